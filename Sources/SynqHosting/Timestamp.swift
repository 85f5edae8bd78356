import Glibc

/// The current time as RFC 3339 in UTC with milliseconds, for example `2026-11-24T08:21:03.217Z`.
package func rfc3339Now() -> String {
  var now = timespec()
  clock_gettime(CLOCK_REALTIME, &now)
  return rfc3339(seconds: now.tv_sec, nanoseconds: now.tv_nsec)
}

/// A time since the Unix epoch as RFC 3339 in UTC with milliseconds.
package func rfc3339(seconds: Int, nanoseconds: Int) -> String {
  var seconds = time_t(seconds)
  var parts = tm()
  gmtime_r(&seconds, &parts)
  func pad(_ number: Int32, _ width: Int = 2) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }
  let date = "\(pad(parts.tm_year + 1900, 4))-\(pad(parts.tm_mon + 1))-\(pad(parts.tm_mday))"
  let time = "\(pad(parts.tm_hour)):\(pad(parts.tm_min)):\(pad(parts.tm_sec))"
  return "\(date)T\(time).\(pad(Int32(nanoseconds / 1_000_000), 3))Z"
}
