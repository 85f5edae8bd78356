"""Fixtures of the package's own tests; those of the plugin come with the installed package."""

from __future__ import annotations

import importlib.metadata

# Run from the sources without installing, the plugin is not registered by its entry point.
if not any(
    point.value == "synq.testing.plugin" for point in importlib.metadata.entry_points(group="pytest11")
):
    pytest_plugins = ["synq.testing.plugin"]
