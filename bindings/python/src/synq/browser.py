"""synq.js, the client for browsers that comes with the package."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent
BUNDLED = PACKAGE / "_browser_files"
# In a checkout the package lies in bindings/python/src, and the client is not copied.
CHECKOUT = PACKAGE.parents[2] / "browser"


def browser_files() -> Path:
    """The folder of synq.js: ES modules without dependencies, of which pages import ``synq.js``. Serve it
    beside your own files, or copy it to where they are served from::

        synq.Server(static={"/": "web", "/synq/": synq.browser_files()}, channels=[Room]).run()
    """
    for folder in (BUNDLED, CHECKOUT):
        if (folder / "synq.js").exists():
            return folder
    raise FileNotFoundError(f"synq.js is neither in {BUNDLED} nor in {CHECKOUT}: install the package again")
