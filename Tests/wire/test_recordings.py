"""Every recording against the conformance host: the differences are those of differences.toml, no others."""

import re
from pathlib import Path

import pytest

from playback.expectation import expected_steps, load_differences
from playback.player import Player
from playback.recording import load

HERE = Path(__file__).resolve().parent
DIFFERENCES = load_differences(HERE / "differences.toml")
NAMES = sorted(path.stem for path in (HERE / "fixtures").glob("*.jsonl"))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "server_shutdown"])
def test_recording(name, host):
    recording = load(HERE / "fixtures" / f"{name}.jsonl")
    steps, unused = expected_steps(recording, DIFFERENCES)
    Player(recording, steps, host.host, host.port).play()
    assert not unused, "differences.toml names this recording for nothing"


def test_server_shutdown(own_host):
    recording = load(HERE / "fixtures" / "server_shutdown.jsonl")
    steps, _ = expected_steps(recording, DIFFERENCES)
    Player(recording, steps, own_host.host, own_host.port, stop_server=own_host.stop).play()


def test_differences_name_recordings_that_exist():
    named = {name for entry in DIFFERENCES.values() for name in entry.recordings}
    assert named <= set(NAMES)


def test_every_difference_has_a_reason():
    page = (HERE.parent.parent / "docs/specification.md").read_text()
    sections = set(re.findall(r"^## (\d+)\.", page, re.MULTILINE))
    for entry in DIFFERENCES.values():
        assert entry.reason.strip(), entry.name
        cited = entry.spec.partition(":")[0]
        assert cited and set(cited.split(", ")) <= sections, entry.name


def test_every_difference_is_shown():
    """By a recording that needs it, or by a test that names what is sent instead."""
    tests = {
        f"{path.stem}.{name}"
        for path in HERE.glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    for entry in DIFFERENCES.values():
        assert entry.recordings or entry.tests, entry.name
        assert set(entry.tests) <= tests, entry.name
