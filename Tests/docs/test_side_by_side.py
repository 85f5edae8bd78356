"""docs/side-by-side.md: its programs run, they do the same, and the page shows what they are made of."""

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from synq.testing import Client

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/side-by-side.md"
SOURCES = {"c": "todo.c", "python": "todo.py", "swift": "todo.swift"}
PROGRAMS = {
    "c": [ROOT / "build/cmake/examples/c/todo"],
    "python": [sys.executable, ROOT / "examples/todo/todo.py"],
    "swift": [ROOT / "build/swift-release/release/todo-swift"],
}
PIECES = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module", params=sorted(PROGRAMS))
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    program = PROGRAMS[request.param]
    if not program[-1].exists():
        missing = f"{program[-1]} is not built"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with subprocess.Popen([*program, "0"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("listening on http://"), f"the program said {line!r}"
            yield int(line.rstrip("/\n").rpartition(":")[2])
        finally:
            process.terminate()


def test_the_conversation_is_the_same_in_each_language(port: int) -> None:
    with Client("127.0.0.1", port) as ada, Client("127.0.0.1", port) as ben:
        refused = ada.attempt("todo:home", {"key": "wrong"}).join_reply
        assert refused.status == "error"
        assert (refused.response["code"], refused.response["message"]) == ("unauthorized", "The key is wrong")

        other = ben.join("todo:home", {"key": "sesame"})
        home = ada.join("todo:home", {"key": "sesame"})
        assert home.expect_state() == {"items": [], "query": "", "found": []}

        assert home.call("add", {"title": ""}, status="error").response["code"] == "empty_title"
        assert home.call("add", {"title": "bread"}).response == {"id": 1}
        bread = {"id": 1, "title": "bread", "done": False}
        home.expect_patch([{"op": "add", "path": "/items/-", "value": bread}])
        other.expect_push("added", {"title": "bread"})
        assert home.call("add", {"title": "butter"}).response == {"id": 2}
        home.expect_patch()

        assert home.call("toggle", {"id": 3}, status="error").response["code"] == "not_found"
        assert home.call("toggle", {"id": 1}) == ("ok", {})
        home.expect_patch([{"op": "replace", "path": "/items/0/done", "value": True}])

        assert home.call("search", {"text": "utt"}) == ("ok", {})
        home.expect_state(
            {
                "items": [{**bread, "done": True}, {"id": 2, "title": "butter", "done": False}],
                "query": "utt",
                "found": [2],
            }
        )
        assert home.call("search", {"text": 1}, status="error").response["code"] == "invalid_payload"
        assert home.call("export").response == {"text": "[x] bread\n[ ] butter\n"}
        assert home.call("nonsense", status="error").response["code"] == "unknown_event"

        home.leave()
        other.expect_push("left", {"reason": "shutdown:left"})
        assert other.state == {"items": [], "query": "", "found": []}


def test_the_board_is_the_same_for_everybody(port: int) -> None:
    with Client("127.0.0.1", port) as ada, Client("127.0.0.1", port) as ben:
        adas, bens = ada.join("board:home"), ben.join("board:home")
        for member in (adas, bens):
            assert member.expect_state() == {"cards": [], "filter": "all"}
        assert adas.call("add", {"title": "bread"}) == ("ok", {})
        bread = {"id": 1, "title": "bread"}
        adas.expect_patch([{"op": "add", "path": "/cards/-", "value": bread}])
        bens.expect_patch([{"op": "add", "path": "/cards/-", "value": bread}])

        assert bens.call("filter", {"show": "mine"}) == ("ok", {})
        bens.expect_patch([{"op": "replace", "path": "/filter", "value": "mine"}])
        list_of_ada = ada.join("todo:ada", {"key": "sesame"})
        assert list_of_ada.call("share", {"title": "jam"}) == ("ok", {})
        cards = [bread, {"id": 2, "title": "jam"}]
        adas.expect_state({"cards": cards, "filter": "all"})
        bens.expect_state({"cards": cards, "filter": "mine"})
        assert list_of_ada.expect_state() == {"items": [], "query": "", "found": []}

        assert adas.call("add", {"title": 1}, status="error").response["code"] == "invalid_payload"
        assert adas.call("nonsense", status="error").response["code"] == "unknown_event"
        # Who joins gets the state of the topic.
        adas.leave()
        assert ada.join("board:home").expect_state() == {"cards": cards, "filter": "all"}


@pytest.mark.parametrize("language", sorted(SOURCES))
def test_the_page_shows_pieces_of_the_program(language: str) -> None:
    source = (ROOT / "examples/todo" / SOURCES[language]).read_text().splitlines()
    shown = [piece for name, piece in PIECES if name == language]
    assert len(shown) >= 9
    for piece in shown:
        lines = textwrap.dedent(piece).rstrip("\n").split("\n")
        places = range(len(source) - len(lines) + 1)
        found = any(
            textwrap.dedent("\n".join(source[at : at + len(lines)])).split("\n") == lines for at in places
        )
        assert found, f"not in {SOURCES[language]}:\n{piece}"
