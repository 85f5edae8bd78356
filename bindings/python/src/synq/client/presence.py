"""Who is in a topic, as Phoenix.Presence tells it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .channel import ClientChannel

PRESENCE_STATE, PRESENCE_DIFF = "presence_state", "presence_diff"
Member = dict[str, Any]
Members = dict[str, Member]


class Presence:
    """The keys that are present, each with ``metas``, one for each of its channels; made by
    `ClientChannel.presence`."""

    def __init__(self, channel: ClientChannel) -> None:
        self._members: Members = {}
        # Diffs that came before the list that they belong to; None once it is there.
        self._waiting: list[Any] | None = []
        self._listeners: list[Callable[[Members], object]] = []
        channel.on(PRESENCE_STATE, self._take_list)
        channel.on(PRESENCE_DIFF, self._take_diff)
        channel.on_status(self._follow)

    @property
    def members(self) -> Members:
        """By their keys: ``{"ada": {"metas": [{"phx_ref": …, …}]}}``. Never changed in place."""
        return self._members

    def keys(self) -> list[str]:
        """Who is there."""
        return list(self._members)

    def __contains__(self, key: object) -> bool:
        return key in self._members

    def __len__(self) -> int:
        return len(self._members)

    def on_change(self, listener: Callable[[Members], object]) -> Callable[[], None]:
        """Calls ``listener(members)`` when they have changed. Gives what removes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _follow(self, status: str, resumed: bool) -> None:
        # A new channel brings a list of its own. One that was resumed brings the diffs that were missed.
        if status == "joined" and not resumed:
            self._waiting = []

    def _take_list(self, members: Any) -> None:
        waiting, self._waiting = self._waiting or [], None
        self._become(dict(members))
        for diff in waiting:
            self._take_diff(diff)

    def _take_diff(self, diff: Any) -> None:
        if self._waiting is not None:
            self._waiting.append(diff)
        else:
            self._become(with_diff(self._members, diff))

    def _become(self, members: Members) -> None:
        self._members = members
        for listener in list(self._listeners):
            listener(members)


def with_diff(members: Members, diff: Any) -> Members:
    """The members after a presence_diff."""
    after = dict(members)
    for key, member in diff["joins"].items():
        stay = _missing(member, after[key]) if key in after else []
        after[key] = {**member, "metas": [*stay, *member["metas"]]}
    for key, member in diff["leaves"].items():
        if key not in after:
            continue
        metas = _missing(member, after[key])
        if metas:
            after[key] = {**after[key], "metas": metas}
        else:
            del after[key]
    return after


def _missing(member: Member, other: Member) -> list[Any]:
    """The metas of `other` that are not `member`'s; they are told apart by their phx_ref."""
    refs = {meta.get("phx_ref") for meta in member["metas"]}
    return [meta for meta in other["metas"] if meta.get("phx_ref") not in refs]
