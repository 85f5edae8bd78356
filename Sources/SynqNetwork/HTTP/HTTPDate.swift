#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A time as HTTP writes it, in whole seconds (RFC 9110, section 5.6.7).
struct HTTPDate: Hashable, Sendable {
  /// Seconds since 1970 UTC.
  var seconds: Int

  static var now: HTTPDate { HTTPDate(seconds: time(nil)) }

  /// For example "Sun, 06 Nov 1994 08:49:37 GMT".
  var text: String {
    let (days, time) = seconds.flooredDivision(by: 86_400)
    let date = Self.civilDate(days: days)
    let weekday = Self.weekdays[(days + 4).flooredDivision(by: 7).remainder]
    return "\(weekday), \(Self.two(date.day)) \(Self.months[date.month - 1]) \(date.year) "
      + "\(Self.two(time / 3_600)):\(Self.two(time / 60 % 60)):\(Self.two(time % 60)) GMT"
  }

  private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }

  /// The Gregorian date of a day counted from 1970-01-01, by eras of 400 years that begin in March.
  private static func civilDate(days: Int) -> (year: Int, month: Int, day: Int) {
    let (era, dayOfEra) = (days + 719_468).flooredDivision(by: 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
  }
}

extension Int {
  /// The quotient rounded down and the remainder that is never negative.
  fileprivate func flooredDivision(by divisor: Int) -> (quotient: Int, remainder: Int) {
    let remainder = ((self % divisor) + divisor) % divisor
    return ((self - remainder) / divisor, remainder)
  }
}
