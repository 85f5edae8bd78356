// What `import Synq` gives beside this module's own: JSON values, pointers and patches, and the few types of the
// engine that the vocabulary uses.
@_exported import enum SynqChannels.Dialect
@_exported import struct SynqChannels.CloseReason
@_exported import struct SynqChannels.HostError
@_exported import SynqJSON
@_exported import SynqPatch
