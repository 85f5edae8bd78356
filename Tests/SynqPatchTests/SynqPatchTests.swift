import Testing
@testable import SynqPatch
