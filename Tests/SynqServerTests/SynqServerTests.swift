import Testing
@testable import SynqServer
