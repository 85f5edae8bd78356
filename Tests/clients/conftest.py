"""The demos as fixtures: the same program in each language, started on a port of its own.

SYNQ_DEMO_C, SYNQ_DEMO_PYTHON and SYNQ_DEMO_SWIFT name another command, with its arguments, for a demo.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT / "Tests/wire")]

PROGRAMS = {
    "c": [ROOT / "build/cmake/examples/c/demo"],
    "python": [sys.executable, ROOT / "examples/python/demo.py"],
    "swift": [ROOT / "build/swift-release/release/demo-swift"],
}


@dataclass
class Demo:
    language: str
    host: str
    port: int

    @property
    def socket_url(self) -> str:
        return f"ws://{self.host}:{self.port}/socket"


def command(language: str) -> list[str]:
    named = os.environ.get(f"SYNQ_DEMO_{language.upper()}")
    program = shlex.split(named) if named else [str(part) for part in PROGRAMS[language]]
    if not Path(program[-1]).exists():
        missing = f"the {language} demo is not built: {program[-1]} is missing"
        # A machine that builds everything must not pass for want of a demo.
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return [*program, "--port", "0"]


@pytest.fixture(scope="session", params=sorted(PROGRAMS))
def demo(request: pytest.FixtureRequest) -> Iterator[Demo]:
    with subprocess.Popen(command(request.param), stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("listening on http://"), f"the demo said {line!r}"
            where = urlsplit(line.split()[-1])
            assert where.hostname
            assert where.port
            yield Demo(request.param, where.hostname, where.port)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
    assert process.returncode == 0, f"the demo ended with {process.returncode}"
