"""One topic that a client has joined."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from .backoff import Backoff
from .failures import DisconnectedError, JoinError, ReplyError
from .presence import Presence
from .replica import Replica
from .waiting import within
from .wire import CLOSE, ERROR, JOIN, LEAVE, REPLY, Message

if TYPE_CHECKING:
    from .client import Client

_log = logging.getLogger("synq.client")


class StateChange(NamedTuple):
    """A new state, and how it came about."""

    state: Any
    version: int
    #: The patch that led here; None for a full state.
    operations: list[dict[str, Any]] | None


class Call:
    """A message that is answered."""

    def __init__(
        self, event: str, payload: Any, answered: Callable[[str, Any], object] | None = None
    ) -> None:
        """`answered` is called at once, before the next message is read."""
        self._answered = answered
        self.event = event
        self.payload = payload
        #: Its name on the wire; None before it was sent for the first time.
        self.ref: str | None = None
        #: Whether it was sent on the connection that there is.
        self.is_sent = False
        self.answer: asyncio.Future[tuple[str, Any]] = asyncio.get_running_loop().create_future()

    def settle(self, status: str, response: Any) -> None:
        if not self.answer.done():
            self.answer.set_result((status, response))
            if self._answered is not None:
                self._answered(status, response)

    def fail(self, code: str, message: str) -> None:
        if not self.answer.done():
            self.answer.set_exception(DisconnectedError(code, message))
            self.answer.exception()  # nobody may wait for it any more


class ClientChannel:
    """A topic that was joined: its state, its events, and what it is told. Made by `Client.join`.

    Listeners are plain functions, called in the order in which things happen.
    """

    def __init__(self, client: Client, topic: str, params: Any) -> None:
        self.topic = topic
        self._client = client
        self._params = params
        self._names = client._names
        #: "waiting" (for the connection, or to join again), "joining", "joined" or "closed".
        self.status = "waiting"
        self._replica = Replica()
        self._join_call: Call | None = None
        #: Pushes that were not answered, oldest first.
        self._calls: list[Call] = []
        self._pushes = 0
        self._backoff = Backoff()
        self._again: asyncio.TimerHandle | None = None
        self._is_refreshing = False
        #: The answer to the first join.
        self._first: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        #: What the server answered to the last join that it took.
        self.join_response: Any = None
        self._listeners: dict[str, list[Callable[[Any], object]]] = {}
        self._event_listeners: list[Callable[[str, Any], object]] = []
        self._state_listeners: list[Callable[[StateChange], object]] = []
        self._status_listeners: list[Callable[[str, bool], object]] = []
        self._error_listeners: list[Callable[[Exception], object]] = []
        # From the beginning: its list comes right after the join.
        self._presence = Presence(self)
        #: What came before `Client.join` returned, so that its caller can listen first.
        self._held: list[Message] | None = None

    async def joined(self, *, timeout_seconds: float | None = None) -> Any:
        """Waits for the answer to the first join, and gives it. Raises JoinError when the server refused."""
        return await within(self._client._time(timeout_seconds), self._first)

    # -- the state

    @property
    def state(self) -> Any:
        """The last state that arrived; None before the first. It is never changed in place."""
        return self._replica.state

    @property
    def version(self) -> int | None:
        """The version of `state`; None while there is none of this join's."""
        return self._replica.version

    async def wait_for_state(
        self, matches: Callable[[Any], object] | None = None, *, timeout_seconds: float | None = None
    ) -> Any:
        """Waits until there is a state, one for which `matches(state)` is true, and gives it."""

        return await within(self._client._time(timeout_seconds), self._search(matches))

    async def _search(self, matches: Callable[[Any], object] | None) -> Any:
        async with contextlib.aclosing(self.states()) as states:
            async for state in states:
                if matches is None or matches(state):
                    return state
        raise DisconnectedError("closed", "the channel is closed")

    async def states(self) -> AsyncGenerator[Any, None]:
        """The state that there is, and each one after it; who is slow misses those in between."""
        changed = asyncio.Event()
        removals = [
            self.on_state(lambda _: changed.set()),
            self.on_status(lambda status, _: changed.set() if status == "closed" else None),
        ]
        try:
            seen: Any = _NOTHING
            if self.version is not None:
                changed.set()
            while True:
                if self.status == "closed" and not changed.is_set():
                    return
                await changed.wait()
                changed.clear()
                if self.version is not None and self.state is not seen:
                    seen = self.state
                    yield seen
                if self.status == "closed":
                    return
        finally:
            for remove in removals:
                remove()

    async def refresh(self, *, timeout_seconds: float | None = None) -> None:
        """Asks for the full state, which comes as a change."""
        await self._push(self._names.refresh, {}, timeout_seconds)

    # -- events

    async def push(self, event: str, payload: Any = None, *, timeout_seconds: float | None = None) -> Any:
        """Sends an event, as soon as the channel has joined, and gives the answer. Bytes are a binary push.

        Raises ReplyError when its status is not "ok", asyncio.TimeoutError when none came in time, and
        DisconnectedError when none can come any more: then the event may or may not have been handled.
        """
        return await self._push(
            self._names.event_prefix + event, {} if payload is None else payload, timeout_seconds
        )

    async def _push(self, event: str, payload: Any, timeout_seconds: float | None) -> Any:
        if self.status == "closed":
            raise DisconnectedError("closed", "the channel is closed")
        if self.status != "joined" and len(self._calls) >= self._client.max_waiting:
            raise DisconnectedError("busy", "too many pushes wait for the connection")
        call = Call(event, payload)
        self._calls.append(call)
        try:
            if self.status == "joined":
                self._send(call)
                await self._client._drain()
            status, response = await within(self._client._time(timeout_seconds), call.answer)
        finally:
            self._forget(call)
        if status != "ok":
            raise ReplyError(status, response)
        return response

    def on(self, event: str, listener: Callable[[Any], object]) -> Callable[[], None]:
        """Calls ``listener(payload)`` for each event of that name from the server. Gives what removes it."""
        return _added(self._listeners.setdefault(event, []), listener)

    def on_event(self, listener: Callable[[str, Any], object]) -> Callable[[], None]:
        """Calls ``listener(event, payload)`` for every event of the server."""
        return _added(self._event_listeners, listener)

    def on_state(self, listener: Callable[[StateChange], object]) -> Callable[[], None]:
        """Calls ``listener(change)`` for each state from now on."""
        return _added(self._state_listeners, listener)

    def on_status(self, listener: Callable[[str, bool], object]) -> Callable[[], None]:
        """Calls ``listener(status, resumed)`` at each change of `status`; with "joined" `resumed` says
        whether the channel went on where it was."""
        return _added(self._status_listeners, listener)

    def on_error(self, listener: Callable[[Exception], object]) -> Callable[[], None]:
        """Calls ``listener(error)`` when a later join is refused, the channel crashes, or the server says
        so."""
        return _added(self._error_listeners, listener)

    def events(self, *names: str) -> AsyncGenerator[tuple[str, Any], None]:
        """The events of the server from now on, all or those of these names, until the channel is closed.
        Raises BufferError when so many wait that who takes them cannot keep up."""
        queue: asyncio.Queue[tuple[str, Any] | None] = asyncio.Queue()

        def take(event: str, payload: Any) -> None:
            if (not names or event in names) and queue.qsize() <= self._client.max_events:
                queue.put_nowait((event, payload))

        return self._taken(
            queue,
            self.on_event(take),
            self.on_status(lambda status, _: queue.put_nowait(None) if status == "closed" else None),
        )

    async def _taken(
        self, queue: asyncio.Queue[tuple[str, Any] | None], *removals: Callable[[], None]
    ) -> AsyncGenerator[tuple[str, Any], None]:
        most = self._client.max_events
        try:
            while self.status != "closed" or not queue.empty():
                if queue.qsize() > most:
                    raise BufferError(f"{self.topic}: more than {most} events wait")
                found = await queue.get()
                if found is None:
                    return
                yield found
        finally:
            for remove in removals:
                remove()

    def presence(self) -> Presence:
        """Who is in the topic, where the server tells it as Phoenix.Presence does."""
        return self._presence

    async def leave(self, *, timeout_seconds: float | None = None) -> None:
        """Leaves the topic for good, and waits until the server has confirmed it, or cannot any more."""
        join_ref = self._join_ref
        self._close("left", "the channel was left")
        if join_ref is not None and self._client.is_connected:
            call = Call(LEAVE, {})
            self._client._send(call, join_ref, self.topic)
            try:
                await within(self._client._time(timeout_seconds), call.answer)
            except (DisconnectedError, asyncio.TimeoutError):
                pass
            finally:
                self._client._forget(call)

    def __repr__(self) -> str:
        return f"<synq.ClientChannel {self.topic} {self.status}>"

    # -- from the client

    @property
    def _join_ref(self) -> str | None:
        return None if self._join_call is None else self._join_call.ref

    def _connected(self) -> None:
        self._join()

    def _disconnected(self, *, for_now: bool) -> None:
        self._suspend("disconnected", "the connection was lost", for_now)
        if not for_now:
            self._close("closed", "the client was closed")

    def _receive(self, message: Message) -> None:
        if message.join_ref not in (None, self._join_ref) or self.status == "closed":
            return  # the last messages of an earlier join
        if self._held is not None:
            self._held.append(message)
            return
        names, event, payload = self._names, message.event, message.payload
        if event == names.change:
            self._is_refreshing = False
            self._replica.replace(payload["state"], payload["version"], payload.get("epoch"))
            self._show(None)
        elif event == names.patch:
            self._patch(payload)
        elif event == ERROR:
            self._replica.forget_position()
            self._join_again(ReplyError("error", {"code": "crashed", "message": "the channel crashed"}))
        elif event == CLOSE:
            self._close("closed", "the server closed the channel")
        elif event != REPLY:
            self._pushes += 1
            if event == names.error:
                self._tell_error(ReplyError("error", payload))
            elif event == names.wrapping and isinstance(payload, dict):
                self._tell(str(payload.get("name")), payload.get("detail"))
            else:
                self._tell(event, payload)

    def _release(self) -> None:
        held, self._held = self._held, None
        for message in held or ():
            self._receive(message)

    # -- joining

    @property
    def _may_resume(self) -> bool:
        """Whether the server may have kept this channel while it was away."""
        return self._replica.epoch is not None and self._client._resumes

    def _join(self) -> None:
        if self.status != "waiting" or not self._client.is_connected:
            return
        params = self._params() if callable(self._params) else self._params
        call = Call(
            JOIN,
            self._with_position({} if params is None else params),
            lambda status, response: self._join_answered(call, status, response),
        )
        self._join_call = call
        self.status = "joining"
        self._client._send(call, None, self.topic)
        timer = asyncio.get_running_loop().call_later(
            self._client.timeout_seconds, call.settle, "error", {"code": "timeout"}
        )
        call.answer.add_done_callback(lambda _: timer.cancel())
        self._tell_status(False)

    def _with_position(self, params: Any) -> Any:
        """Params that are an object tell the server who joins, and from where it can go on:
        docs/resume.md."""
        if not self._client._resumes or not isinstance(params, dict):
            return params
        position: dict[str, Any] = {"client": self._client._identity}
        if self._may_resume:
            sent = [int(call.ref) for call in self._calls if call.ref is not None]
            position |= {
                "epoch": self._replica.epoch,
                "version": self._replica.version,
                "base": True,
                "pushes": self._pushes,
                "ref": str(min(sent) - 1 if sent else self._client._last_ref),
            }
        return {**params, "synq": position}

    def _join_answered(self, call: Call, status: str, response: Any) -> None:
        self._client._forget(call)
        if call is not self._join_call:
            return  # the connection was lost, or the channel left, meanwhile
        if status == "ok":
            self._joined(response)
            return
        error = JoinError(status, response)
        if not self._first.done():
            self._first.set_exception(error)
            self._first.exception()
            self._close("closed", "the join was refused")
            return
        if error.code == "timeout" and not self._may_resume:
            # It may yet succeed: the server must not keep a channel that nobody hears.
            self._client._send(Call(LEAVE, {}), call.ref, self.topic)
        self._join_again(error)

    def _joined(self, response: Any) -> None:
        self._backoff.succeeded()
        said = response.get("synq") if isinstance(response, dict) else None
        resumed = isinstance(said, dict) and said.get("resumed") is True and self._may_resume
        if not resumed:
            self._replica.forget_position()
            self._pushes = 0
            for call in self._calls:
                if call.ref is not None:
                    call.fail("disconnected", "the connection was lost")
        self.join_response = response
        self.status = "joined"
        for call in self._calls:
            if not call.answer.done():
                self._send(call)
        if not self._first.done():
            self._first.set_result(response)
        self._tell_status(resumed)

    def _join_again(self, error: Exception) -> None:
        self._suspend("crashed", str(error), True)
        if self.status == "waiting":
            delay = self._backoff.next()
            self._again = asyncio.get_running_loop().call_later(delay, self._join)
        self._tell_error(error)

    def _suspend(self, code: str, message: str, for_now: bool) -> None:
        if self.status == "closed":
            return
        if self._again is not None:
            self._again.cancel()
        self._join_call = None
        self._is_refreshing = False
        keeps = for_now and self._may_resume
        for call in self._calls:
            call.is_sent = False
            if call.ref is not None and (not keeps or call.event == self._names.refresh):
                call.fail(code, message)
        if self.status != "waiting":
            self.status = "waiting"
            self._tell_status(False)

    def _close(self, code: str, message: str) -> None:
        if self.status == "closed":
            return
        if self._again is not None:
            self._again.cancel()
        self._join_call = None
        self._replica.forget_position()
        self.status = "closed"
        self._client._closed(self)
        for call in self._calls:
            call.fail(code, message)
        if not self._first.done():
            self._first.set_exception(DisconnectedError(code, message))
            self._first.exception()
        self._tell_status(False)

    # -- pieces

    def _send(self, call: Call) -> None:
        if not call.is_sent:
            call.is_sent = True
            self._client._send(call, self._join_ref, self.topic)

    def _forget(self, call: Call) -> None:
        if call in self._calls:
            self._calls.remove(call)
        self._client._forget(call)

    def _patch(self, payload: Any) -> None:
        if self._is_refreshing:
            return  # the full state that was asked for has this change too
        operations = payload.get(self._names.operations)
        if self._replica.patch(operations, payload["version"], payload.get("base")):
            self._show(operations)
            return
        self._is_refreshing = True
        call = Call(self._names.refresh, {})
        self._calls.append(call)
        call.answer.add_done_callback(lambda _: self._forget(call))
        self._send(call)

    def _show(self, operations: list[dict[str, Any]] | None) -> None:
        assert self._replica.version is not None
        change = StateChange(self._replica.state, self._replica.version, operations)
        for listener in list(self._state_listeners):
            _call(listener, change)

    def _tell(self, event: str, payload: Any) -> None:
        for listener in list(self._listeners.get(event, ())):
            _call(listener, payload)
        for any_listener in list(self._event_listeners):
            _call(any_listener, event, payload)

    def _tell_status(self, resumed: bool) -> None:
        for listener in list(self._status_listeners):
            _call(listener, self.status, resumed)

    def _tell_error(self, error: Exception) -> None:
        if not self._error_listeners:
            _log.warning("%s: %s", self.topic, error)
        for listener in list(self._error_listeners):
            _call(listener, error)


_NOTHING = object()


def _added(listeners: list[Any], listener: Any) -> Callable[[], None]:
    listeners.append(listener)

    def remove() -> None:
        if listener in listeners:
            listeners.remove(listener)

    return remove


def _call(listener: Callable[..., object], *arguments: Any) -> None:
    """One listener that fails does not keep the others from hearing."""
    try:
        listener(*arguments)
    except Exception as error:
        _log.error("a listener failed: %r", error, exc_info=error)
