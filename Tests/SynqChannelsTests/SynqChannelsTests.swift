import Testing
@testable import SynqChannels
