import Testing
@testable import SynqWire
