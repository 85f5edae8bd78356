"""Runs the handlers of a channel class: at once, or as tasks that wait for something."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from . import _ffi
from ._handlers import AUTHORIZE, CLOSE, CLOSE_TOPIC, EVENT, INIT, MESSAGE, OPEN_TOPIC, Handler
from ._library import Library, check
from ._logs import failed, printable
from ._slow import SLOW_SECONDS, clock, tell_slow
from ._tasks import CancelledError, EndError, begin, result_of
from ._turns import Turn
from .channels import Channel
from .errors import ClosedError, Error
from .observable import forget
from .responses import Answers, Deferred, Reply, of_socket

# What nobody waits for an answer of: an error raised there is a failure, whichever its class.
_SILENT = (MESSAGE, CLOSE, CLOSE_TOPIC)

# What waits in `authorize`, by numbers that the library gives back when the channel is gone.
_asking: dict[int, Callable[[], None]] = {}
_numbers = itertools.count(1)


def waits_for_no_one(number: int) -> None:
    """The channel whose `authorize` had this number is gone."""
    gone = _asking.pop(number, None)
    if gone is not None:
        gone()


class Runner:
    """Runs the handlers of the channels of one class, and answers for them."""

    #: Whether a stop gives up what still waits at once, and not when its time is over.
    ends_at_once = False

    def __init__(self, lib: Library, log: logging.Logger, finish_seconds: float | None) -> None:
        self._lib = lib
        self._log = log
        self._finish_seconds = finish_seconds
        self._answers: Answers = of_socket(lib)
        self._channels: dict[int, Channel] = {}
        #: The async handlers that have begun and wait for something, and their roles.
        self._tasks: dict[asyncio.Task[Any], str] = {}
        self._cancelled = False
        self.is_stopping = False

    def _run(
        self,
        channel: Channel,
        handler: Handler,
        what: str | bytes,
        arguments: tuple[Any, ...],
        late: Deferred | None = None,
    ) -> int:
        """Runs a handler; `late` is its response where the callback has been deferred already."""
        turns = channel._synq_turns
        shared = None if handler.role is AUTHORIZE else channel._synq_shared
        if shared is not None:
            shared.hold(turns, channel._synq_edits, channel._socket)
        started = clock()
        try:
            if handler.takes < len(arguments):
                arguments = arguments[: handler.takes]
            if handler.decode is not None:
                arguments = self._decoded(handler, arguments)
            if handler.is_async:
                turn = turns.begin_task()
                token = turn.enter()
                try:
                    task = begin(handler.function(channel, *arguments), handler.name)
                finally:
                    turn.leave(token)
                if not task.done():
                    return self._wait(channel, handler, what, task, turn, late)
                turn.is_over = True
                result = result_of(task)
            else:
                turns.begin()
                try:
                    result = handler.function(channel, *arguments)
                finally:
                    turns.end()
            if result is None and channel._synq_deferred is None and handler.role is not AUTHORIZE:
                return _ffi.OK
            return self._answer(channel, handler, result)
        except Error as error:
            return self._declared(channel, handler, what, error)
        except Exception as error:
            return self._crash(channel, what, error)
        except BaseException:  # the program ends: what is shared may yet be kept
            if shared is not None:
                shared.undo(turns)
            raise
        finally:
            if shared is not None and not turns.is_late:
                shared.release(turns)
            seconds = clock() - started
            if seconds > SLOW_SECONDS:
                tell_slow(self._log, f"{channel.topic}: {handler.name}", seconds)

    def _decoded(self, handler: Handler, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        assert handler.decode is not None
        # The payload is the only argument, or the one after the name.
        place = 0 if len(arguments) == 1 else 1
        return (*arguments[:place], handler.decode(arguments[place]), *arguments[place + 1 :])

    def _answer(self, channel: Channel, handler: Handler, result: Any) -> int:
        deferred = channel._synq_deferred
        if deferred is not None:
            channel._synq_deferred = None
            if result is not None and result is not deferred:
                raise TypeError(f"{handler.name} deferred its response and returned {result!r} too")
            return _ffi.OK
        if handler.role is not AUTHORIZE and result is None:
            return _ffi.OK
        if self._has_response(handler, result):
            self._answers.respond(channel._socket, result)
        return _ffi.OK

    def _has_response(self, handler: Handler, result: Any) -> bool:
        """Whether what a handler returned is a response. Raises for what its kind of handler cannot
        return."""
        if handler.role is AUTHORIZE:
            return self._has_join_response(handler, result)
        if result is None:
            return False
        if handler.role is not EVENT:
            raise TypeError(f"{handler.name} returned {result!r}: expected None, there is no one to answer")
        return True

    def _has_join_response(self, handler: Handler, result: Any) -> bool:
        """Whether a join that is let in has a response of its own. Raises Error for a refusal, which is what
        all unclear results are."""
        if result is True or (result is None and not handler.has_result):
            return False
        if type(result) is Reply and result.status == "ok":
            return True
        if result is not False:
            self._log.warning(
                "%s returned %s, so the join is refused: True lets in, and None where the method returns "
                'nothing else; synq.Reply("ok", payload) lets in with an answer',
                handler.name,
                "None" if result is None else f"a value of type {type(result).__qualname__}",
            )
        raise Error("unauthorized", "this topic may not be joined")

    def _declared(self, channel: Channel, handler: Handler, what: str | bytes, error: Error) -> int:
        try:
            deferred = channel._synq_deferred
            if deferred is not None:
                channel._synq_deferred = None
                deferred.error(error)
                return _ffi.OK
            if handler.role in _SILENT:
                return self._crash(channel, what, error)
            self._answers.error(channel._socket, error)
        except Exception as failure:
            return self._crash(channel, what, failure)
        self._refused(channel, handler)
        return _ffi.OK

    def _refused(self, channel: Channel, handler: Handler) -> None:
        if handler.role is INIT:
            forget(channel.assigns)
        elif handler.role is AUTHORIZE:
            self._channels.pop(channel._socket, None)
        elif handler.role is OPEN_TOPIC and channel._synq_shared is not None:
            channel._synq_shared.undo(channel._synq_turns)
            self._topic_is_closed(channel.topic)

    def _topic_is_closed(self, topic: str) -> None:
        """The topic was not opened."""

    def _crash(self, channel: Channel, what: str | bytes, error: BaseException) -> int:
        deferred = channel._synq_deferred
        if deferred is not None:  # it ends with the channel
            deferred._open = False
            channel._synq_deferred = None
        self._report(channel, what, error)
        forget(channel.assigns)
        shared = channel._synq_shared
        if shared is not None and not channel._synq_turns.is_nobodys:
            shared.undo(channel._synq_turns)
        return _ffi.CRASH

    def _report(self, channel: Channel, what: str | bytes, error: BaseException) -> None:
        topic = printable(channel.topic)
        name = printable(what if isinstance(what, str) else what.decode("utf-8", "replace"))
        extra = {"topic": topic, "event": name}
        if isinstance(error, EndError) or (self._cancelled and isinstance(error, CancelledError)):
            self._log.info("%s: %s was cancelled, because the server stops", topic, name, extra=extra)
            return
        failed(self._log, f"{topic}: {name} failed", error, extra)

    # -- async handlers

    def _wait(
        self,
        channel: Channel,
        handler: Handler,
        what: str | bytes,
        task: asyncio.Task[Any],
        turn: Turn,
        late: Deferred | None,
    ) -> int:
        """The handler has to wait for something: its answer is put off."""
        name = what if isinstance(what, str) else what.decode("utf-8", "replace")
        task.set_name(f"{channel.topic} {name}")
        self._tasks[task] = handler.role
        task.add_done_callback(self._tasks.pop)
        try:
            deferred = late or channel._put_off()
        except Exception:
            task.cancel()
            raise
        channel._synq_deferred = None
        channel._synq_task = turn.task = task
        task.add_done_callback(partial(self._completed, channel, handler, what, deferred, turn))
        if handler.role is AUTHORIZE:
            self._watch(channel, turn, task)
        return _ffi.OK

    def _watch(self, channel: Channel, turn: Turn, task: asyncio.Task[Any]) -> None:
        """Cancels an `authorize` whose client goes: of it no before_close tells."""
        number = next(_numbers)

        def gone() -> None:
            turn.channel_ended = True
            task.cancel()

        _asking[number] = gone
        task.add_done_callback(lambda _: _asking.pop(number, None))
        from ._callbacks import channel_is_gone

        with contextlib.suppress(ClosedError):  # told at once, then
            check(self._lib.synq_socket_set_data(channel._socket, number, channel_is_gone))

    def _completed(
        self,
        channel: Channel,
        handler: Handler,
        what: str | bytes,
        deferred: Deferred,
        turn: Turn,
        task: asyncio.Task[Any],
    ) -> None:
        """What `_run` does when a handler returns or raises, for one that had to wait."""
        channel._synq_task = None
        turn.is_over = True
        try:
            self._answer_late(channel, handler, what, deferred, turn, task)
        finally:
            if channel._synq_shared is not None:
                channel._synq_shared.release(channel._synq_turns)

    def _answer_late(
        self,
        channel: Channel,
        handler: Handler,
        what: str | bytes,
        deferred: Deferred,
        turn: Turn,
        task: asyncio.Task[Any],
    ) -> None:
        try:
            result = result_of(task)
            answered = self._has_response(handler, result)
        except (CancelledError, ClosedError) as error:
            if turn.channel_ended:
                self._log.debug(
                    "%s: %s was given up, because its client has gone", printable(channel.topic), handler.name
                )
                self._finish(channel, handler, what, deferred, partial(deferred.resolve, None))
            else:
                self._late_crash(channel, handler, what, deferred, error)
        except Error as error:
            if handler.role in _SILENT:
                self._late_crash(channel, handler, what, deferred, error)
            else:
                self._finish(channel, handler, what, deferred, partial(deferred.error, error))
                self._refused(channel, handler)
        except Exception as error:
            self._late_crash(channel, handler, what, deferred, error)
        else:
            self._finish(
                channel, handler, what, deferred, partial(deferred.resolve, result if answered else None)
            )

    def _finish(
        self,
        channel: Channel,
        handler: Handler,
        what: str | bytes,
        deferred: Deferred,
        answer: Callable[[], None],
    ) -> None:
        try:
            answer()
        except ClosedError:
            deferred._open = False
            self._log.debug("%s: the channel ended while %s waited", printable(channel.topic), handler.name)
            if handler.role is AUTHORIZE:
                self._channels.pop(channel._socket, None)
        except Exception as error:
            self._late_crash(channel, handler, what, deferred, error)

    def _late_crash(
        self, channel: Channel, handler: Handler, what: str | bytes, deferred: Deferred, error: Exception
    ) -> None:
        self._crash(channel, what, error)
        if handler.role is AUTHORIZE:
            self._channels.pop(channel._socket, None)
        elif handler.role is OPEN_TOPIC:
            self._topic_is_closed(channel.topic)
        with contextlib.suppress(ClosedError):
            deferred._end(repr(error))

    def cancel(self, *, closing: bool = False) -> None:
        """Cancels the async handlers that wait for something; those of before_close too if `closing`."""
        self._cancelled = True
        for task, role in list(self._tasks.items()):
            if closing or role is not CLOSE:
                task.cancel()
