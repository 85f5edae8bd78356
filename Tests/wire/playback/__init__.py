"""Replays recordings of real Phoenix servers against a server, and compares what comes back by value."""
