"""The tests of synq.js, in client/*.test.js: they run in Chromium, so that no Node is needed."""

import pytest
from selenium.webdriver.support.ui import WebDriverWait

from .conftest import HERE

LIMIT_S = 60


@pytest.fixture(scope="session")
def report(chromium, mock):
    chromium.get(f"{mock.url}client/index.html")
    chromium.get_log("browser")
    WebDriverWait(chromium, LIMIT_S, poll_frequency=0.05).until(
        lambda page: page.execute_script("return window.report")
    )
    results = chromium.execute_script("return window.report")
    chromium.get("about:blank")
    return results


def test_the_client_keeps_its_contract(report):
    files = sorted((HERE / "client").glob("*.test.js"))
    assert all(f'"./{file.name}"' in (HERE / "client/index.html").read_text() for file in files)
    assert len(report) > 100
    failed = [f"{name}\n    {failure}" for name, failure in report.items() if failure]
    assert not failed, "\n".join(failed)
