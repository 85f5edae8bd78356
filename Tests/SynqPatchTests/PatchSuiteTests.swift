import SynqJSON
import SynqPatch
import Testing

/// The public suite of JSON Patch (json-patch-tests): every enabled case.
@Suite(.enabled(if: SharedFiles.exists("suites/json-patch-tests"), "SYNQ_SUITES has no json-patch-tests"))
struct PatchSuiteTests {
  @Test(arguments: ["tests.json", "spec_tests.json"])
  func everyEnabledCase(_ file: String) throws {
    let cases = try SharedFiles.json("suites/json-patch-tests/\(file)")
    var count = 0
    for (index, test) in cases.elements.enumerated() where test.disabled?.boolValue != true {
      let name = Comment(rawValue: "\(file) \(index) \(test.comment?.stringValue ?? "")")
      guard let document = test.doc, let patch = test.patch else { continue }
      count += 1
      if let expected = test.expected {
        let result = try JSONPatch.apply(patch, to: document)
        #expect(result == expected, name)
      } else if test.error != nil {
        #expect(throws: PatchError.self, name) { try JSONPatch.apply(patch, to: document) }
      } else {
        // A case with neither says only that the patch applies.
        _ = try JSONPatch.apply(patch, to: document)
      }
    }
    #expect(count >= (file == "tests.json" ? 90 : 16))
  }
}
