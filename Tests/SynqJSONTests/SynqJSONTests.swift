import Testing
@testable import SynqJSON
