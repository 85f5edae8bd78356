import SynqChannels

/// Checks of arguments that several calls share.
enum Argument {
  static func check(_ value: String, _ name: String) throws(HostError) {
    if value.isEmpty { throw HostError(.invalidArgument, "\(name): is empty") }
  }
}
