"""The folder of synq.js: found in the package or the checkout, and served whole."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

import synq
from synq import browser

IMPORT = re.compile(r'^(?:import|export)\b.*\bfrom "\./([\w-]+\.js)"', re.MULTILINE)


def test_a_server_serves_all_that_synq_js_imports(synq_server: Callable[..., synq.Server]) -> None:
    server = synq_server(static={"/synq/": synq.browser_files()})
    waiting, served = ["synq.js"], set()
    while waiting:
        name = waiting.pop()
        served.add(name)
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/synq/{name}") as response:
            assert response.headers["content-type"].startswith("text/javascript")
            waiting += set(IMPORT.findall(response.read().decode())) - served
    assert served == {path.name for path in synq.browser_files().glob("*.js")}


def test_the_bundled_files_come_before_the_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(browser, "BUNDLED", tmp_path)
    assert synq.browser_files() == browser.CHECKOUT
    (tmp_path / "synq.js").touch()
    assert synq.browser_files() == tmp_path


def test_a_package_without_them_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(browser, "BUNDLED", tmp_path / "bundled")
    monkeypatch.setattr(browser, "CHECKOUT", tmp_path / "checkout")
    with pytest.raises(FileNotFoundError, match="install the package again"):
        synq.browser_files()
