"""A demo server and a headless Chromium for the tests of the page and of synq.js.

``DEMO`` names the server's command, as in ``DEMO="build/demo"``; it is run with ``--port N`` added (0 is
any free one) and must print a line with its URL. Without ``DEMO`` the stand-in beside this file is used.
``SCREENSHOTS`` is where the pictures go (build/screenshots).
"""

import os
import re
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import pytest
from selenium import webdriver

from .pages import Windows

HERE = Path(__file__).resolve().parent
MOCK = [sys.executable, str(HERE / "mock_server.py")]
DEMO = shlex.split(os.environ.get("DEMO", "")) or MOCK
LIBRARY = [sys.executable, str(HERE / "library_server.py")]
START_LIMIT_S = 60
STOP_LIMIT_S = 10


class Server:
    """A server process. It keeps its port over a restart."""

    def __init__(self, command):
        self.command, self.port, self.url, self.process = command, 0, None, None

    def start(self):
        command = [*self.command, "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.url = self.read_url()
        self.port = int(re.search(r":(\d+)/", self.url)[1])
        # What it goes on to print is read, or a full pipe would stop it.
        self.drain = threading.Thread(target=self.process.stdout.read, daemon=True)
        self.drain.start()
        return self

    def read_url(self):
        with selectors.DefaultSelector() as ready:
            ready.register(self.process.stdout, selectors.EVENT_READ)
            while ready.select(START_LIMIT_S):
                line = self.process.stdout.readline()
                if found := re.search(r"http://\S+:\d+/", line):
                    return found[0]
                if not line:
                    pytest.fail(f"{self.command[0]} ended before it told its URL")
        pytest.fail(f"{self.command[0]} told no URL within {START_LIMIT_S} s")

    def stop(self, by=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(by)
        code = self.process.wait(STOP_LIMIT_S)
        self.drain.join()
        self.process.stdout.close()
        return code


@pytest.fixture(scope="session")
def server():
    """The demo that most tests share: each has a room of its own."""
    running = Server(DEMO).start()
    yield running
    running.stop()


@pytest.fixture
def own_server():
    """A demo for a test that stops it."""
    running = Server(DEMO).start()
    yield running
    running.stop(signal.SIGKILL)


@pytest.fixture(scope="session")
def mock():
    """The stand-in, whatever DEMO says: it also serves the tests of synq.js."""
    running = Server(MOCK).start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def library():
    """A server of the library itself, in Python."""
    running = Server(LIBRARY).start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def chromium():
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for argument in (
        "--headless=new",
        "--hide-scrollbars",
        "--disable-dev-shm-usage",
        "--window-size=1280,800",
    ):
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # The driver is named, so that nothing looks for one on the network.
    service = webdriver.ChromeService(shutil.which("chromedriver") or "chromedriver")
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


@pytest.fixture
def room():
    return uuid.uuid4().hex[:8]


@pytest.fixture
def windows(chromium, server, room):
    """Opens windows on the demo, in this test's room."""
    opened = Windows(chromium, server, room)
    yield opened
    opened.close()


@pytest.fixture
def own_windows(chromium, own_server, room):
    opened = Windows(chromium, own_server, room)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def screenshots():
    folder = Path(os.environ.get("SCREENSHOTS", HERE.parents[1] / "build/screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
