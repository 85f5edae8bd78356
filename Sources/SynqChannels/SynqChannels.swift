// SynqChannels
