// SynqPatch
