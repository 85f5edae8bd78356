"""Fixtures of the package's own tests; those of the plugin come with the installed package."""

from __future__ import annotations

import importlib.metadata
import signal

# A shell's background jobs ignore it, and so would the programs that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Run from the sources without installing, the plugin is not registered by its entry point.
if not any(
    point.value == "synq.testing.plugin" for point in importlib.metadata.entry_points(group="pytest11")
):
    pytest_plugins = ["synq.testing.plugin"]
