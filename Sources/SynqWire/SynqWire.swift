// SynqWire
