"""What libsynq is to send, made from what Phoenix sent: the recording with the deliberate differences.

Each difference is one rule, named in differences.toml with its reason and the recordings that it touches. A
rule that is needed but not named there, or named but not needed, is an error: so the list is exact.
"""

import tomllib
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from .compare import PatchError, apply, same
from .message import ANY, ERRORS, STATE_CHANGES, STATE_PATCHES, Message
from .presence import DIFF, STATE
from .recording import NOTE, POLL, POSTED, RECEIVE, SEND, Recording, Step, message_of

RULES: Final = frozenset(
    {"answered", "unchanged", "wrap", "error_shape", "numbers", "right_patches", "error_body", "merged_diffs"}
)
PROTOCOL_REASONS: Final = frozenset({"unmatched topic", "join crashed", "too many channels joined"})
# Pushed by a later callback than the one that the reply belongs to.
LATER_PUSHES: Final = frozenset({"shout_intercepted"})
CHANGE_OF: Final = {
    "synq:patch": "synq:change",
    "seance:patch": "seance:change",
    "state:patch": "state:change",
}


class UnlistedError(Exception):
    """A difference that differences.toml does not name for this recording."""


@dataclass
class Difference:
    name: str
    spec: str
    reason: str
    recordings: set[str]
    changes: list[dict[str, Any]] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)


def load_differences(path: Path) -> dict[str, Difference]:
    found = {}
    for name, table in tomllib.loads(path.read_text()).items():
        changes = table.get("changes", [])
        recordings = set(table.get("recordings", [])) | {change["recording"] for change in changes}
        tests = table.get("tests", [])
        found[name] = Difference(name, table["spec"], table["reason"], recordings, changes, tests)
    return found


@dataclass
class Channel:
    """A joined channel as its client knows it."""

    state: Any = None
    version: int = -1
    document: Any = None  # the payload of the last event that says what the state is to be
    moved: bool = False  # whether our versions have left the recorded ones
    joining: bool = False  # the next full state is the first one


class Expectation:
    """Applies the differences to one recording; `used` are the rules that had something to do."""

    def __init__(self, recording: Recording, differences: dict[str, Difference]) -> None:
        self.recording = recording
        self.differences = differences
        self.used: set[str] = set()
        self.channels: defaultdict[tuple[str, Any], Channel] = defaultdict(Channel)
        self.steps = [replace(step) for step in recording.steps]

    def build(self) -> list[Step]:
        self._make_changes()
        self._answer_events()
        self._merge_diffs()
        self.steps = [kept for step in self.steps if (kept := self._expected(step)) is not None]
        return self.steps

    @property
    def unused(self) -> set[str]:
        """Rules that name this recording for nothing."""
        named = {name for name, entry in self.differences.items() if self.recording.name in entry.recordings}
        return named - self.used

    def _use(self, rule: str, step: Step) -> None:
        entry = self.differences.get(rule)
        if entry is None or self.recording.name not in entry.recordings:
            raise UnlistedError(f"{self.recording.name}: {rule} at {step}")
        self.used.add(rule)

    # ------------------------------------------------------------------------------------ merged diffs

    def _merge_diffs(self) -> None:
        """Marks the presence messages between two sends, of one topic at one client, if they are a burst."""
        burst: dict[tuple[str, Any], list[Step]] = {}
        for step in [*self.steps, Step(SEND, 0, "", {})]:
            if step.kind != RECEIVE:
                for steps in burst.values():
                    if sum(one.message is not None and one.message.event == DIFF for one in steps) > 1:
                        self._use("merged_diffs", steps[0])
                        for one in steps:
                            one.merged = True
                burst = {}
            elif step.message is not None and step.message.event in {DIFF, STATE}:
                burst.setdefault(self._key(step), []).append(step)

    # ----------------------------------------------------------------------------------- single changes

    def _make_changes(self) -> None:
        """Drops, replaces or inserts single lines, as differences.toml says."""
        for name, entry in self.differences.items():
            for change in entry.changes:
                if change["recording"] == self.recording.name:
                    self._make_change(change)
                    self.used.add(name)

    def _make_change(self, change: dict[str, Any]) -> None:
        line, action = change["line"], change["action"]
        at = [index for index, step in enumerate(self.steps) if step.line == line]
        if not at:
            raise ValueError(f"no line {line} in {self.recording.name}")
        old = self.steps[at[-1]]
        data = {key: value for key, value in change.items() if key not in {"recording", "line", "action"}}
        new = Step(RECEIVE, line, old.conn, data, optional=data.pop("optional", False))
        new.error = data.pop("error", None)
        new.message = message_of(new, self.recording.vsn)
        if action == "drop":
            del self.steps[at[0] : at[-1] + 1]
        elif action == "replace":
            self.steps[at[0] : at[-1] + 1] = [new]
        elif action == "insert":
            self.steps.insert(at[-1] + 1, new)
        elif action == "poll":  # the poll that had this answer brings the message
            self.steps[at[0]] = new
            self.steps[at[0] - 1].kind = POLL
        else:
            raise ValueError(f"no action {action!r}")

    # --------------------------------------------------------------------------------- answered: replies

    def _answer_events(self) -> None:
        for step in self._unanswered():
            self._use("answered", step)
            message = step.message
            assert message is not None
            payload = {"response": {}, "status": "ok"}
            join_ref = self._join_ref_at(step)
            reply = Message(join_ref, message.ref, message.topic, "phx_reply", payload, message.vsn)
            self.steps.insert(self._place_of_reply(step), Step(RECEIVE, step.line, step.conn, {}, reply))

    def _unanswered(self) -> list[Step]:
        """Events to joined channels that no reply came for, though the channel lived on."""
        open_events: list[Step] = []
        joined: dict[tuple[str, Any], Any] = {}  # join_ref by connection and topic
        last_sent: dict[tuple[str, Any], Step] = {}
        for index, step in enumerate(self.steps):
            message, key = step.message, self._key(step)
            if step.kind == RECEIVE and step.data.get("op") == "close":
                open_events = [event for event in open_events if event not in last_sent.values()]
            if message is None:
                continue
            if step.kind in {SEND, POSTED}:
                last_sent[key] = step
                current = message.join_ref is None or same(message.join_ref, joined.get(key))
                if key in joined and current and not str(message.event).startswith("phx_"):
                    open_events.append(step)
            elif message.event == "phx_reply":
                if self._is_join_reply(index):
                    if message.payload["status"] == "ok":
                        joined[key] = message.join_ref
                else:
                    self._close_event(open_events, step)
            elif message.event in {"phx_error", "phx_close"} and not self._is_replaced(index):
                # What was under way when the channel ended is not answered.
                open_events = [event for event in open_events if event is not last_sent.get(key)]
                joined.pop(key, None)
        return open_events

    @staticmethod
    def _key(step: Step) -> tuple[str, Any]:
        return step.conn, step.message.topic if step.message else None

    def _close_event(self, open_events: list[Step], reply: Step) -> None:
        assert reply.message is not None
        for event in open_events:
            assert event.message is not None
            if self._key(event) == self._key(reply) and same(event.message.ref, reply.message.ref):
                open_events.remove(event)
                return

    def _is_replaced(self, index: int) -> bool:
        """Whether a phx_close is about the channel that a second join ended: it follows the reply to that."""
        step, before = self.steps[index], self.steps[index - 1].message
        return (
            step.message is not None
            and step.message.event == "phx_close"
            and before is not None
            and before.event == "phx_reply"
            and self._is_join_reply(index - 1)
        )

    def _is_join_reply(self, index: int) -> bool:
        reply = self.steps[index].message
        assert reply is not None
        for step in reversed(self.steps[:index]):
            sent = step.message if step.kind in {SEND, POSTED} else None
            if sent is not None and sent.topic == reply.topic and same(sent.ref, reply.ref):
                return bool(sent.event == "phx_join")
        return False

    def _join_ref_at(self, step: Step) -> Any:
        """The join_ref of the channel that an event went to."""
        assert step.message is not None
        found = None
        for other in self.steps:
            if other is step:
                break
            message = other.message
            if message and message.event == "phx_join" and self._key(other) == self._key(step):
                found = message.join_ref
        return found

    def _place_of_reply(self, step: Step) -> int:
        """After what the callback pushed, before the patch."""
        assert step.message is not None
        index = next(index for index, other in enumerate(self.steps) if other is step) + 1
        if step.kind == POSTED:
            while index < len(self.steps) and (
                self.steps[index].kind == POSTED or "http" in self.steps[index].data
            ):
                index += 1
        while index < len(self.steps):
            other = self.steps[index]
            message = other.message
            if other.kind != RECEIVE or message is None or message.is_state or message.event in LATER_PUSHES:
                break
            if other.conn != step.conn or message.topic != step.message.topic or message.event == "phx_reply":
                break
            index += 1
        return index

    # ------------------------------------------------------------------------ states, versions and errors

    def _expected(self, step: Step) -> Step | None:
        message = step.message
        if step.kind in {SEND, POSTED}:
            self._note_sent(step)
            return step
        if step.kind == NOTE or message is None:
            return self._without_body(step)
        if message.event in STATE_CHANGES:
            return self._full_state(step, message)
        if message.event in STATE_PATCHES:
            return self._patch(step, message)
        if step.error is None:
            step.error = self._error(step, message)
        return step

    def _note_sent(self, step: Step) -> None:
        message = step.message
        if message is None:
            return
        channel = self.channels[step.conn, message.topic]
        if message.event == "phx_join":
            channel.joining = True
        elif str(message.topic).startswith(("spatch:", "lpatch:")):
            is_set = str(message.event).endswith(":set")
            channel.document = {"doc": message.payload["doc"]} if is_set else None

    def _full_state(self, step: Step, message: Message) -> Step:
        channel = self.channels[step.conn, message.topic]
        state, version = message.payload["state"], message.payload["version"]
        if channel.joining:
            channel = self.channels[step.conn, message.topic] = Channel(state, 0)
        if version != channel.version and not channel.moved:
            raise ValueError(f"{step}: version {channel.version} expected")
        channel.state = step.state = state
        step.message = message.with_payload(version=channel.version)
        return step

    def _patch(self, step: Step, message: Message) -> Step | None:
        channel = self.channels[step.conn, message.topic]
        try:
            recorded = apply(message.operations, channel.state)
        except PatchError:
            recorded = None
        wanted = recorded if channel.document is None else channel.document
        if not same(wanted, recorded):
            self._use("numbers" if wanted == recorded else "right_patches", step)
        if same(wanted, channel.state):
            self._use("unchanged", step)
            channel.moved = True
            return None
        channel.state = step.state = wanted
        last = 3 if str(message.topic).startswith(("sroll:", "lroll:")) else 1000
        channel.version = 0 if channel.version == last else channel.version + 1
        if not channel.moved and message.payload["version"] != channel.version:
            raise ValueError(f"{step}: version {channel.version} expected")
        step.message = message.with_payload(version=channel.version)
        if channel.version == 0:
            self._use("wrap", step)
            payload = {"state": wanted, "version": 0}
            step.message = replace(message, event=CHANGE_OF[message.event], payload=payload)
        return step

    def _error(self, step: Step, message: Message) -> dict[str, Any] | None:
        """An error of the host's making: one shape for all of them."""
        if message.event in ERRORS:
            value = message.payload
            value = value["message"] if value.keys() == {"message"} else value
        elif message.event == "phx_reply" and message.payload["status"] == "error":
            value = message.payload["response"]
            stateful = str(message.topic).startswith(("sauth:", "lauth:", "sinit:", "linit:"))
            protocol = isinstance(value, dict) and value.get("reason") in PROTOCOL_REASONS
            if protocol or not stateful:
                return None
        else:
            return None
        self._use("error_shape", step)
        if isinstance(value, str):
            return {"message": value, "details": None}
        return {"message": ANY, "details": value}

    def _without_body(self, step: Step) -> Step:
        """The text of an HTTP error is the server's own."""
        if step.kind == RECEIVE and "http" in step.data:
            head, _, body = step.data["http"].partition("\r\n\r\n")
            if int(head.split(" ")[1]) >= 400 and body and not body.startswith("custom"):
                self._use("error_body", step)
                step.data = {**step.data, "any_body": True}
        return step


def expected_steps(recording: Recording, differences: dict[str, Difference]) -> tuple[list[Step], set[str]]:
    """What is to happen, and the rules that name the recording without need."""
    expectation = Expectation(recording, differences)
    return expectation.build(), expectation.unused
