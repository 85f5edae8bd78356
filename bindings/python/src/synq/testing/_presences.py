"""Who is here as a client of phoenix.js has it."""

from __future__ import annotations

from typing import Any

from ..client.presence import with_diff


class Presences:
    """Diffs wait until the state has come, and metas are told apart by their refs."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {}
        self._has_state = False
        self._waiting: list[Any] = []

    def take_state(self, state: Any) -> None:
        self.keys, self._has_state = state, True
        for diff in self._waiting:
            self._apply(diff)
        self._waiting = []

    def take_diff(self, diff: Any) -> None:
        if self._has_state:
            self._apply(diff)
        else:
            self._waiting.append(diff)

    def _apply(self, diff: Any) -> None:
        self.keys = with_diff(self.keys, diff)

    def without_refs(self) -> dict[str, list[Any]]:
        """The metas of each key as they were tracked."""
        return {
            key: [
                {name: value for name, value in meta.items() if name not in ("phx_ref", "phx_ref_prev")}
                for meta in presence["metas"]
            ]
            for key, presence in self.keys.items()
        }

    def has(self, expected: dict[str, list[Any]]) -> bool:
        """Whether these are all: the metas of a key in any order."""
        found = self.without_refs()
        return found.keys() == expected.keys() and all(_same(found[key], expected[key]) for key in found)


def _same(found: list[Any], expected: list[Any]) -> bool:
    rest = list(found)
    for meta in expected:
        if meta not in rest:
            return False
        rest.remove(meta)
    return not rest
