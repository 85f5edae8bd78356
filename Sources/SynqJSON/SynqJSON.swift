// SynqJSON
