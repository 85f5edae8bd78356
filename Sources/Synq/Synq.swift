// Synq
