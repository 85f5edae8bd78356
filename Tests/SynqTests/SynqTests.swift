import Testing
@testable import Synq
