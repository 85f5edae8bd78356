"""The tests of synq.js, in client/*.test.js: they run in Chromium, so that no Node is needed."""

import os
from pathlib import Path

import pytest
from selenium.webdriver.support.ui import WebDriverWait

from .conftest import HERE

LIMIT_S = 60
# Each with the number of its tests, so that a page that did not load does not pass.
PAGES = [("index.html", 150), ("kept.html", 8), ("react.html", 5), ("stock.html", 5)]
if phoenix := os.environ.get("PHOENIX_JS"):
    live = "&live=/phoenix/LiveState.js" if Path(phoenix, "LiveState.js").exists() else ""
    PAGES.append((f"stock.html?client=/phoenix/phoenix.mjs{live}", 5))


@pytest.fixture
def report(chromium):
    """Opens a page of tests and gives each one's failure, or None, by its name."""

    def run(server, page):
        chromium.get(f"{server.url}client/{page}")
        chromium.get_log("browser")
        WebDriverWait(chromium, LIMIT_S, poll_frequency=0.05).until(
            lambda browser: browser.execute_script("return window.report")
        )
        results = chromium.execute_script("return window.report")
        chromium.get("about:blank")
        return results

    return run


def failures(results):
    return "\n".join(f"{name}\n    {failure}" for name, failure in results.items() if failure)


@pytest.mark.parametrize(("page", "tests"), PAGES)
def test_the_client_keeps_its_contract(report, mock, page, tests):
    if page == "react.html" and not os.environ.get("CI") and not Path("/usr/share/nodejs/react").is_dir():
        pytest.skip("Debian's node-react is not installed")
    results = report(mock, page)
    assert len(results) >= tests
    assert not failures(results)


def test_the_client_and_the_library_understand_each_other(report, library):
    results = report(library, "library.html")
    assert len(results) >= 4
    assert not failures(results)


def test_no_file_of_tests_is_forgotten():
    pages = "".join(page.read_text() for page in (HERE / "client").glob("*.html"))
    assert [
        file.name for file in (HERE / "client").glob("*.test.js") if f'"./{file.name}"' not in pages
    ] == []
