"""The conformance host, with the books that it keeps, and a proxy in front of it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "wire")]

from ledger import Ledger  # noqa: E402
from playback.host import Host, running_host  # noqa: E402
from proxy import Proxy  # noqa: E402


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    with running_host() as host:
        yield host


@pytest.fixture
def ledger(host: Host) -> Iterator[Ledger]:
    """What the host has on its books. Its end is the test's last assertion: nothing is left over."""
    with Ledger(host.host, host.port) as ledger:
        yield ledger
        ledger.expect_balance()


@pytest.fixture
def proxy(host: Host) -> Iterator[Proxy]:
    with Proxy(host.host, host.port) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with certificate.pem and key.pem for localhost."""
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run(command, check=True, capture_output=True)
    return folder
