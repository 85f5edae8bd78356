// SynqTesting
