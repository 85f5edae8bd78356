"""The conformance host as a process of its own. SYNQ_CONFORMANCE_HOST names another one to test."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Host:
    process: subprocess.Popen[str]
    host: str
    port: int

    def stop(self) -> None:
        """Asks it to end, as a service manager does."""
        self.process.send_signal(signal.SIGTERM)


@contextmanager
def running_host(*arguments: str) -> Iterator[Host]:
    program = (
        os.environ.get("SYNQ_CONFORMANCE_HOST") or ROOT / "build/cmake/Tests/conformance/conformance-host"
    )
    if not Path(program).exists():
        missing = f"{program} is missing: make conformance-host builds it"
        # A machine that builds everything must not pass for want of the host.
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with subprocess.Popen([program, "--port", "0", *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("listening on http"), f"the host said {line!r}"
            where = urlsplit(line.split()[-1])
            assert where.hostname
            assert where.port
            yield Host(process, where.hostname, where.port)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
    assert process.returncode == 0, f"the host ended with {process.returncode}"
