"""Presence: what phoenix.js's `Presence` makes of a channel's messages, and refs compared by shape."""

import copy
import re
from dataclasses import dataclass, field
from typing import Any, Final

from .compare import same
from .message import Message

STATE: Final = "presence_state"
DIFF: Final = "presence_diff"
REF: Final = re.compile(r"[A-Za-z0-9_-]{16}")


@dataclass
class Refs:
    """Which ref of the server stands for which of the recording: one for one, from the first time on."""

    recorded: dict[str, str] = field(default_factory=dict)  # the server's by the recorded one
    taken: dict[str, str] = field(default_factory=dict)  # the other way round

    def same(self, expected: Any, actual: Any) -> bool:
        """Whether two payloads are the same but for their refs. Only then the refs are remembered."""
        trial = copy.deepcopy(self)
        if not trial._same(expected, actual):
            return False
        self.recorded, self.taken = trial.recorded, trial.taken
        return True

    def _same(self, expected: Any, actual: Any) -> bool:
        if isinstance(expected, str) and REF.fullmatch(expected):
            if not (isinstance(actual, str) and REF.fullmatch(actual)):
                return False
            first = self.recorded.setdefault(expected, actual) == actual
            return first and self.taken.setdefault(actual, expected) == expected
        if isinstance(expected, dict) and isinstance(actual, dict):
            return expected.keys() == actual.keys() and all(
                self._same(expected[key], actual[key]) for key in expected
            )
        if isinstance(expected, list) and isinstance(actual, list):
            return len(expected) == len(actual) and all(map(self._same, expected, actual))
        return same(expected, actual)


@dataclass
class View:
    """The list of a client: diffs wait until the state has come, and metas are told apart by their refs."""

    presences: dict[str, Any] = field(default_factory=dict)
    has_state: bool = False
    waiting: list[Any] = field(default_factory=list)

    def take(self, message: Message) -> None:
        payload = copy.deepcopy(message.payload)
        if message.event == STATE:
            self.presences, self.has_state = payload, True
            diffs, self.waiting = self.waiting, []
            for diff in diffs:
                self._apply(diff)
        elif self.has_state:
            self._apply(payload)
        else:
            self.waiting.append(payload)

    def _apply(self, diff: Any) -> None:
        for key, joined in copy.deepcopy(diff["joins"]).items():
            refs = {meta["phx_ref"] for meta in joined["metas"]}
            known = self.presences.get(key, {"metas": []})["metas"]
            joined["metas"] = [meta for meta in known if meta["phx_ref"] not in refs] + joined["metas"]
            self.presences[key] = joined
        for key, left in diff["leaves"].items():
            if key not in self.presences:
                continue
            refs = {meta["phx_ref"] for meta in left["metas"]}
            metas = [meta for meta in self.presences[key]["metas"] if meta["phx_ref"] not in refs]
            self.presences[key]["metas"] = metas
            if not metas:
                del self.presences[key]


@dataclass
class Watch:
    """A topic at one client: the recorded list and the server's."""

    recorded: View = field(default_factory=View)
    server: View = field(default_factory=View)
