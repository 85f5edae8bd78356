"""Tests of channels over a real connection: see `synq.testing.plugin` for the pytest fixtures."""

from .client import ANY, Client, ClosedByServerError, HandshakeError, Patch, Reply, TestChannel

__all__ = ["ANY", "Client", "ClosedByServerError", "HandshakeError", "Patch", "Reply", "TestChannel"]
