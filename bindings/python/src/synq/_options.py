"""How a channel class is served: what synq.channel takes."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, NamedTuple

from . import _ffi

#: How long an async handler may go on when its client has gone: enough for what is about to be done.
FINISH_SECONDS = 0.5

DIALECTS = {
    "synq": _ffi.DIALECT_SYNQ,
    "live_state": _ffi.DIALECT_LIVE_STATE,
    "live_view_model": _ffi.DIALECT_LIVE_VIEW_MODEL,
    "seance": _ffi.DIALECT_SEANCE,
}


class Options(NamedTuple):
    """How a channel class is served."""

    pattern: str
    track: tuple[str, ...] = ()
    max_version: int = 0
    dialect: str = "synq"
    ignore_keys: tuple[str, ...] | None = None
    intercept: tuple[str, ...] = ()
    allow_prototype_keys: bool = False
    message_builder: Any = None
    finish_seconds: float | None = FINISH_SECONDS
    presence: str | None = None
    max_presence_keys: int = 0
    max_presence_bytes: int = 0
    shared: tuple[str, ...] = ()
    linger_seconds: float = 0
    patch_interval_seconds: float = 0


def options(
    pattern: str,
    *,
    track: Iterable[str] = (),
    max_version: int = 0,
    dialect: str = "synq",
    ignore_keys: Iterable[str] | None = None,
    intercept: Iterable[str] = (),
    allow_prototype_keys: bool = False,
    message_builder: Any = None,
    finish_seconds: float | None = FINISH_SECONDS,
    presence: str | None = None,
    max_presence_keys: int = 0,
    max_presence_bytes: int = 0,
    shared: Iterable[str] = (),
    linger_seconds: float = 0,
    patch_interval_seconds: float = 0,
) -> Options:
    if not isinstance(pattern, str):
        raise TypeError(f'channel: expected a topic pattern, as in @synq.channel("room:*"), not {pattern!r}')
    if dialect not in DIALECTS:
        raise ValueError(f"dialect must be one of {', '.join(DIALECTS)}, not {dialect!r}")
    if finish_seconds is not None and not finish_seconds >= 0:
        raise ValueError(f"finish_seconds must be 0 or more, or None, not {finish_seconds!r}")
    ignored = None if ignore_keys is None else _names("ignore_keys", ignore_keys)
    names = _names("track", track)
    return Options(
        pattern,
        names,
        max_version,
        dialect,
        ignored,
        _names("intercept", intercept),
        allow_prototype_keys,
        _builder(message_builder),
        finish_seconds,
        presence,
        max_presence_keys,
        max_presence_bytes,
        _names("shared", shared),
        milliseconds("linger_seconds", linger_seconds) / 1000,
        milliseconds("patch_interval_seconds", patch_interval_seconds) / 1000,
    )


def milliseconds(name: str, seconds: float) -> int:
    """Seconds as the library takes them."""
    if isinstance(seconds, bool) or not 0 <= seconds <= 0xFFFFFFFF / 1000:
        raise ValueError(f"{name} must be from 0 to {0xFFFFFFFF // 1000}, not {seconds!r}")
    return round(seconds * 1000)


def _builder(given: Any) -> Any:
    """A message builder that is one: an object, or a class of which one is made."""
    made = given() if isinstance(given, type) else given
    if made is None:
        return None
    found = [getattr(made, name, None) for name in ("new_state", "update_state")]
    if not any(found):
        raise TypeError(f"message_builder: {made!r} has neither new_state nor update_state")
    for method in found:
        if method is not None and (not callable(method) or inspect.iscoroutinefunction(method)):
            raise TypeError(f"message_builder: {method!r} must be a plain method")
    return made


def _names(what: str, names: Iterable[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise TypeError(f"{what} must be a list of names, not the string {names!r}")
    collected = tuple(names)
    for name in collected:
        if not isinstance(name, str) or not name:
            raise TypeError(f"{what} must be a list of names, and {name!r} is none")
    return collected
