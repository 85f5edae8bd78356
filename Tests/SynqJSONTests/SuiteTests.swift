import Foundation
import Testing

@testable import SynqJSON

@Suite(.enabled(if: SharedFiles.isPresent, SharedFiles.missing))
struct SuiteTests {
  static let parsing = "suites/JSONTestSuite/test_parsing"
  static let files = SharedFiles.names(in: parsing)

  @Test(arguments: files.filter { $0.hasPrefix("y_") })
  func everyTextThatMustBeAcceptedIs(file: String) throws {
    let value = try JSON(parsing: SharedFiles.bytes("\(Self.parsing)/\(file)"))
    #expect(try JSON(parsing: value.description) == value)
  }

  @Test(arguments: files.filter { $0.hasPrefix("n_") })
  func everyTextThatMustBeRefusedIs(file: String) throws {
    let bytes = try SharedFiles.bytes("\(Self.parsing)/\(file)")
    let error = #expect(throws: JSONError.self) { try JSON(parsing: bytes) }
    if let error { #expect((0...bytes.count).contains(error.offset)) }
  }

  /// What RFC 8259 leaves open, and what we do. nil: accepted.
  static let decisions: [(file: String, code: JSONError.Code?, reason: String)] = [
    ("i_number_double_huge_neg_exp.json", nil, "it rounds to 0, and is kept as written"),
    ("i_number_huge_exp.json", .numberOutOfRange, "it would become infinity in a browser"),
    ("i_number_neg_int_huge_exp.json", .numberOutOfRange, "it would become infinity in a browser"),
    ("i_number_pos_double_huge_exp.json", .numberOutOfRange, "it would become infinity in a browser"),
    ("i_number_real_neg_overflow.json", .numberOutOfRange, "it would become infinity in a browser"),
    ("i_number_real_pos_overflow.json", .numberOutOfRange, "it would become infinity in a browser"),
    ("i_number_real_underflow.json", nil, "it rounds to 0, and is kept as written"),
    ("i_number_too_big_neg_int.json", nil, "integers beyond 64 bits are kept as written"),
    ("i_number_too_big_pos_int.json", nil, "integers beyond 64 bits are kept as written"),
    ("i_number_very_big_negative_int.json", nil, "integers beyond 64 bits are kept as written"),
    ("i_object_key_lone_2nd_surrogate.json", .loneSurrogate, "it has no form in UTF-8"),
    ("i_string_1st_surrogate_but_2nd_missing.json", .loneSurrogate, "it has no form in UTF-8"),
    ("i_string_1st_valid_surrogate_2nd_invalid.json", .loneSurrogate, "it has no form in UTF-8"),
    ("i_string_UTF-16LE_with_BOM.json", .expectedValue, "text is UTF-8"),
    ("i_string_UTF-8_invalid_sequence.json", .invalidUTF8, "text is UTF-8"),
    ("i_string_UTF8_surrogate_U+D800.json", .invalidUTF8, "UTF-8 has no surrogates"),
    ("i_string_incomplete_surrogate_and_escape_valid.json", .loneSurrogate, "it has no form in UTF-8"),
    ("i_string_incomplete_surrogate_pair.json", .loneSurrogate, "it has no form in UTF-8"),
    ("i_string_incomplete_surrogates_escape_valid.json", .loneSurrogate, "it has no form in UTF-8"),
    ("i_string_invalid_lonely_surrogate.json", .loneSurrogate, "it has no form in UTF-8"),
    ("i_string_invalid_surrogate.json", .loneSurrogate, "it has no form in UTF-8"),
    ("i_string_invalid_utf-8.json", .invalidUTF8, "text is UTF-8"),
    ("i_string_inverted_surrogates_U+1D11E.json", .loneSurrogate, "it has no form in UTF-8"),
    ("i_string_iso_latin_1.json", .invalidUTF8, "text is UTF-8"),
    ("i_string_lone_second_surrogate.json", .loneSurrogate, "it has no form in UTF-8"),
    ("i_string_lone_utf8_continuation_byte.json", .invalidUTF8, "text is UTF-8"),
    ("i_string_not_in_unicode_range.json", .invalidUTF8, "UTF-8 ends at U+10FFFF"),
    ("i_string_overlong_sequence_2_bytes.json", .invalidUTF8, "overlong forms pass filters unseen"),
    ("i_string_overlong_sequence_6_bytes.json", .invalidUTF8, "overlong forms pass filters unseen"),
    ("i_string_overlong_sequence_6_bytes_null.json", .invalidUTF8, "overlong forms pass filters unseen"),
    ("i_string_truncated-utf-8.json", .invalidUTF8, "text is UTF-8"),
    ("i_string_utf16BE_no_BOM.json", .expectedValue, "text is UTF-8"),
    ("i_string_utf16LE_no_BOM.json", .expectedValue, "text is UTF-8"),
    ("i_structure_500_nested_arrays.json", .tooDeep, "the default depth is 128"),
    ("i_structure_UTF-8_BOM_empty_object.json", .expectedValue, "RFC 8259 8.1: no byte order mark is sent"),
  ]

  @Test func everyTextThatMayGoEitherWayIsDecided() {
    #expect(Self.files.filter { $0.hasPrefix("i_") } == Self.decisions.map(\.file).sorted())
  }

  @Test(arguments: decisions.indices)
  func whatIsLeftOpenIsDecidedAsListed(index: Int) throws {
    let (file, code, reason) = Self.decisions[index]
    let bytes = try SharedFiles.bytes("\(Self.parsing)/\(file)")
    #expect(failure(bytes)?.code == code, "\(file): \(reason)")
  }

  @Test(arguments: SharedFiles.names(in: "suites/JSONTestSuite/test_transform"))
  func numbersStringsAndNamesKeepTheirSpelling(file: String) throws {
    let bytes = try SharedFiles.bytes("suites/JSONTestSuite/test_transform/\(file)")
    guard failure(bytes) == nil else {
      #expect(failure(bytes)?.code == .loneSurrogate || failure(bytes)?.code == .invalidUTF8, "\(file)")
      return
    }
    let value = try JSON(parsing: bytes)
    let text = String(decoding: bytes.filter { $0 > 0x20 }, as: UTF8.self)
    switch file {
    case "object_same_key_different_values.json": #expect(value.description == #"{"a":2}"#)
    case "object_same_key_same_value.json": #expect(value.description == #"{"a":1}"#)
    case "object_same_key_unclear_values.json": #expect(value.description == #"{"a":-0}"#)
    case "string_with_escaped_NULL.json": #expect(value[0]?.stringValue == "A\0B")
    default: #expect(value.description == text)
    }
  }

  @Test(arguments: ["twitter.json", "citm_catalog.json"])
  func aDocumentComesBackWithEveryByteOfItsValue(name: String) throws {
    let bytes = try SharedFiles.bytes("suites/documents/\(name)")
    let value = try JSON(parsing: bytes)
    let text = value.text
    let again = try JSON(parsing: text)
    #expect(again == value)
    #expect(again.text == text)
    let same = value.withFlatBytes { a in again.withFlatBytes { b in a.elementsEqual(b) } }
    #expect(same)
    // And the same to another parser.
    let original = try JSONSerialization.jsonObject(with: Data(bytes)) as? NSObject
    let ours = try JSONSerialization.jsonObject(with: Data(text)) as? NSObject
    #expect(original != nil && original == ours)
    // Compact text differs from the document by white space alone, but for escapes that are not needed.
    let compact = try JSON(parsing: String(decoding: text, as: UTF8.self)).description
    #expect(Array(compact.utf8) == text)
  }

  @Test func everyPointerOfTheSuiteIsJudgedRight() throws {
    let groups = try JSON(parsing: SharedFiles.bytes("suites/json-pointer/json-pointer.json"))
    var judged = 0
    for group in groups.elements {
      for test in group.tests?.elements ?? JSON.emptyArray.elements {
        guard let text = test.data?.stringValue else { continue }
        let isPointer = (try? JSONPointer(text)) != nil
        #expect(isPointer == test.valid?.boolValue, "\(test)")
        if isPointer { #expect(try JSONPointer(tokens: JSONPointer(text).tokens).description == text) }
        judged += 1
      }
    }
    #expect(judged > 30)
  }

  private func failure(_ bytes: [UInt8]) -> JSONError? {
    do throws(JSONError) {
      _ = try JSON(parsing: bytes)
      return nil
    } catch {
      return error
    }
  }
}
