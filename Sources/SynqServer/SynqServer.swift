// SynqServer
