# ctypes has no types for what makes a Python function one of C.
# mypy: allow-untyped-decorators
"""The functions that the library calls. They live as long as this module and find their objects by number,
and no exception leaves them: Python would print it, and go on with a made-up result."""

from __future__ import annotations

import logging
from typing import Any

from . import _ffi
from ._links import links
from ._logs import failed, printable
from ._mounts import mounts
from ._registration import registrations
from ._running import waits_for_no_one
from ._updates import updates
from .connection import objects

_LEVELS = {
    _ffi.LOG_DEBUG: logging.DEBUG,
    _ffi.LOG_INFO: logging.INFO,
    _ffi.LOG_WARNING: logging.WARNING,
    _ffi.LOG_ERROR: logging.ERROR,
}

#: By the `user` numbers of the log.
loggers: dict[int, logging.Logger] = {}


def _failed(error: BaseException, what: str, interrupts: list[BaseException] | None) -> int:
    if isinstance(error, Exception) or interrupts is None:
        failed(logging.getLogger("synq"), f"{what} failed", error)
    else:
        interrupts.append(error)
    return _ffi.CRASH


def _failed_in(user: int, error: BaseException, what: str) -> int:
    registration = registrations.get(user)
    return _failed(error, what, None if registration is None else registration.interrupts)


def _failed_at(user: int, error: BaseException, what: str) -> int:
    mount = mounts.get(user)
    return _failed(error, what, None if mount is None else mount.interrupts)


@_ffi.authorize_fn
def authorize(socket: int, topic: bytes, params: int, user: int) -> int:
    try:
        return registrations[user].authorize(socket, topic, params)
    except BaseException as error:
        return _failed_in(user, error, "authorize")


@_ffi.init_fn
def init(socket: int, topic: bytes, params: int, user: int) -> int:
    try:
        return registrations[user].init(socket, topic, params)
    except BaseException as error:
        return _failed_in(user, error, "init")


@_ffi.handle_event_fn
def handle_event(socket: int, event: bytes, payload: int, user: int) -> int:
    try:
        return registrations[user].handle_event(socket, event, payload)
    except BaseException as error:
        return _failed_in(user, error, "handle_event")


@_ffi.handle_message_fn
def handle_message(socket: int, topic: bytes, message: bytes, payload: int, user: int) -> int:
    try:
        return registrations[user].handle_message(socket, topic, message, payload)
    except BaseException as error:
        return _failed_in(user, error, "handle_message")


@_ffi.before_close_fn
def before_close(socket: int, reason: bytes, user: int) -> None:
    try:
        registrations[user].before_close(socket, reason)
    except BaseException as error:
        _failed_in(user, error, "before_close")


@_ffi.new_state_fn
def new_state(socket: int, state: int, version: int, user: int) -> int:
    try:
        return registrations[user].new_state(socket, state, version)
    except BaseException as error:
        return _failed_in(user, error, "new_state")


@_ffi.update_state_fn
def update_state(socket: int, old: int, new: int, version: int, user: int) -> int:
    try:
        return registrations[user].update_state(socket, old, new, version)
    except BaseException as error:
        return _failed_in(user, error, "update_state")


@_ffi.fetch_presence_fn
def fetch_presence(fetch: int, topic: bytes, presences: int, user: int) -> int:
    try:
        return registrations[user].fetch_presence(fetch, topic, presences)
    except BaseException as error:
        return _failed_in(user, error, "fetch_presence")


@_ffi.presence_changed_fn
def presence_changed(topic: bytes, key: bytes, is_present: int, user: int) -> None:
    try:
        registrations[user].presences.run_changed(topic, key, bool(is_present))
    except BaseException as error:
        _failed_in(user, error, "presence_changed")


@_ffi.open_topic_fn
def open_topic(socket: int, topic: bytes, user: int) -> int:
    try:
        return registrations[user].open_topic(socket, topic)
    except BaseException as error:
        return _failed_in(user, error, "open_topic")


@_ffi.close_topic_fn
def close_topic(socket: int, topic: bytes, user: int) -> None:
    try:
        registrations[user].close_topic(socket, topic)
    except BaseException as error:
        _failed_in(user, error, "close_topic")


@_ffi.update_fn
def update(socket: int, user: int) -> int:
    try:
        request = updates.get(user)
        return _ffi.ECLOSED if request is None else request.granted(socket)
    except BaseException as error:
        return _failed(error, "update", None)


@_ffi.update_done_fn
def update_done(result: int, user: int) -> None:
    try:
        request = updates.get(user)
        if request is not None:
            request.ended(result)
    except BaseException as error:
        _failed(error, "update", None)


@_ffi.connect_fn
def connect(connection: int, params: int, user: int) -> int:
    try:
        return mounts[user].connect(connection, params)
    except BaseException as error:
        return _failed_at(user, error, "connect")


@_ffi.check_origin_fn
def check_origin(origin: bytes, user: int) -> int:
    try:
        return mounts[user].check_origin(origin)
    except BaseException as error:
        return _failed_at(user, error, "check_origin")


@_ffi.link_accepted_fn
def link_accepted(link: int, subprotocol: bytes | None, user: int) -> None:
    try:
        links[user].accepted(subprotocol)
    except BaseException as error:
        _failed(error, "accepting a connection", None)


@_ffi.link_refused_fn
def link_refused(link: int, status: int, body: bytes, user: int) -> None:
    try:
        links[user].refused(status, body)
    except BaseException as error:
        _failed(error, "refusing a connection", None)


@_ffi.link_send_fn
def link_send(link: int, is_binary: int, address: int | None, length: int, user: int) -> None:
    try:
        links[user].send(is_binary, address, length)
    except BaseException as error:
        _failed(error, "sending a message", None)


@_ffi.link_resume_fn
def link_resume(link: int, user: int) -> None:
    try:
        links[user].resume()
    except BaseException as error:
        _failed(error, "reading on", None)


@_ffi.link_close_fn
def link_close(link: int, code: int, reason: bytes, user: int) -> None:
    try:
        links[user].close(code, reason)
    except BaseException as error:
        _failed(error, "closing a connection", None)


@_ffi.log_fn
def log(record: Any, user: int) -> None:
    try:
        logger = loggers.get(user)
        if logger is None:
            return
        line = record.contents
        fields: dict[str, str] = {}
        at = 0
        while line.fields and line.fields[at] is not None:
            name, value = line.fields[at], line.fields[at + 1]
            fields[name.decode("utf-8", "replace")] = printable(value.decode("utf-8", "replace"))
            at += 2
        if fields.get("code") == str(_ffi.CRASH):
            return  # a handler failed: the log has it already, with its traceback
        text = printable(line.message.decode("utf-8", "replace"))
        shown = "".join(f" {name}={value}" for name, value in fields.items())
        logger.log(_LEVELS.get(line.level, logging.INFO), "%s%s", text, shown, extra={"synq": fields})
    except BaseException as error:
        _failed(error, "log", None)


@_ffi.destroy_fn
def forget_registration(user: int) -> None:
    registrations.pop(user, None)


@_ffi.destroy_fn
def channel_is_gone(user: int) -> None:
    try:
        waits_for_no_one(user)
    except BaseException as error:
        _failed(error, "a channel that ended", None)


@_ffi.destroy_fn
def forget_connection(user: int) -> None:
    objects.pop(user, None)


@_ffi.destroy_fn
def forget_link(user: int) -> None:
    links.pop(user, None)


@_ffi.destroy_fn
def forget_logger(user: int) -> None:
    loggers.pop(user, None)


@_ffi.destroy_fn
def forget_mount(user: int) -> None:
    mounts.pop(user, None)
