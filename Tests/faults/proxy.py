"""A proxy between a client and a server that does to their connections what networks do."""

import select
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum

CHUNK = 65536


class End(Enum):
    """What comes after the last byte of one direction."""

    RESET = "reset"  # the connection is reset towards both ends
    CLOSE = "close"  # it is closed towards both ends, as by a process that ends
    HALF_CLOSE = "half-close"  # this direction is closed, the other goes on
    SILENCE = "silence"  # nothing is read any more, and nobody is told


@dataclass(frozen=True)
class Way:
    """What happens to the bytes of one direction.

    They go on in pieces of `piece` bytes. The first `gather` of them are held back until they are all there,
    and then go on at once. At the byte `gate_at` the direction waits for `Proxy.open_gates`. After `stop_at`
    bytes comes `end`.
    """

    piece: int = CHUNK
    gather: int = 0
    gate_at: int | None = None
    stop_at: int | None = None
    end: End = End.RESET


CLEAR = Way()


@dataclass
class Direction:
    source: socket.socket
    sink: socket.socket
    way: Way
    count: int = 0  # bytes that were read
    held: bytes = b""
    outgoing: bytearray = field(default_factory=bytearray)
    is_gated: bool = False
    is_silent: bool = False
    has_ended: bool = False
    told_end: bool = False

    @property
    def wants_more(self) -> bool:
        return not (self.has_ended or self.is_silent or self.is_gated) and len(self.outgoing) < CHUNK

    def limit(self) -> int:
        """How much may be read before something happens."""
        places = [place for place in (self.way.gate_at, self.way.stop_at) if place is not None]
        return min([CHUNK, *(place - self.count for place in places if place > self.count)])


@dataclass
class Link:
    """A connection through the proxy: `up` is from client to server."""

    client: socket.socket
    server: socket.socket
    up: Direction
    down: Direction
    at_gate: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)

    def close(self, *, reset: bool = False) -> None:
        for end in (self.client, self.server):
            if reset:
                with suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.close()
        self.stopped.set()
        self.closed.set()


class Proxy:
    """Listens on a port of its own. A connection goes the ways `up` and `down` that are set when it comes."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.up = self.down = CLEAR
        self.links: list[Link] = []
        self.accepted = threading.Semaphore(0)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.host, self.port = self.listener.getsockname()
        self.waker, self.sleeper = socket.socketpair()
        self.commands: list[str] = []
        self.doomed: list[Link] = []
        self.thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Proxy":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._tell("end")
        self.thread.join()
        for end in (self.listener, self.waker, self.sleeper):
            end.close()

    def next_link(self) -> Link:
        """The link of the next connection that was made."""
        assert self.accepted.acquire(timeout=10), "nobody connected"
        return self.links.pop(0)

    def open_gates(self) -> None:
        self._tell("open")

    def cut(self, link: Link) -> None:
        """Resets a connection towards both ends."""
        self.doomed.append(link)
        self._tell("cut")
        assert link.closed.wait(10)

    def _tell(self, command: str) -> None:
        self.commands.append(command)
        self.waker.send(b".")

    # ----------------------------------------------------------------------------------------------- the loop

    def _run(self) -> None:
        live: list[Link] = []
        while "end" not in self.commands:
            for link, end, events in self._wait(live):
                try:
                    self._serve(link, end, events)
                except OSError:
                    link.close(reset=True)
            if "open" in self.commands:
                self.commands.remove("open")
                for link in live:
                    link.up.is_gated = link.down.is_gated = False
            while self.doomed:
                self.doomed.pop().close(reset=True)
            live = [link for link in live if not link.closed.is_set()]
        for link in live:
            link.close(reset=True)

    def _wait(self, live: list[Link]) -> list[tuple[Link, socket.socket, int]]:
        poll = select.poll()
        poll.register(self.listener, select.POLLIN)
        poll.register(self.sleeper, select.POLLIN)
        owners: dict[int, tuple[Link, socket.socket]] = {}
        for link in live:
            for end, reads, writes in (
                (link.client, link.up, link.down),
                (link.server, link.down, link.up),
            ):
                wanted = (select.POLLIN if reads.wants_more else 0) | (
                    select.POLLOUT if writes.outgoing else 0
                )
                poll.register(end, wanted)
                owners[end.fileno()] = (link, end)
        ready = poll.poll()
        found = []
        for descriptor, events in ready:
            if descriptor == self.listener.fileno():
                live += self._accept()
            elif descriptor == self.sleeper.fileno():
                self.sleeper.recv(CHUNK)
            else:
                found.append((*owners[descriptor], events))
        return found

    def _accept(self) -> list[Link]:
        client, _ = self.listener.accept()
        try:
            server = socket.create_connection(self.target, 10)
        except OSError:
            client.close()
            return []
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            end.setblocking(False)
        link = Link(client, server, Direction(client, server, self.up), Direction(server, client, self.down))
        self.links.append(link)
        self.accepted.release()
        for direction in (link.up, link.down):
            if direction.way.stop_at == 0:
                self._stop(link, direction)
        return [] if link.closed.is_set() else [link]

    def _serve(self, link: Link, end: socket.socket, events: int) -> None:
        if link.closed.is_set():
            return
        reads, writes = (link.up, link.down) if end is link.client else (link.down, link.up)
        if events & select.POLLIN and reads.wants_more:
            self._read(link, reads)
        if events & select.POLLOUT and not link.closed.is_set():
            self._write(link, writes)
        if events & (select.POLLERR | select.POLLHUP) and not events & select.POLLIN:
            link.close(reset=True)

    def _read(self, link: Link, direction: Direction) -> None:
        way = direction.way
        data = direction.source.recv(direction.limit())
        direction.count += len(data)
        direction.held += data
        direction.has_ended = not data
        stops = way.stop_at is not None and direction.count >= way.stop_at
        if direction.count >= way.gather or stops or not data:
            direction.outgoing += direction.held
            direction.held = b""
        if direction.count == way.gate_at:
            direction.is_gated = True
            link.at_gate.set()
        self._write(link, direction)

    def _write(self, link: Link, direction: Direction) -> None:
        while direction.outgoing:
            try:
                sent = direction.sink.send(direction.outgoing[: direction.way.piece])
            except BlockingIOError:
                return
            del direction.outgoing[:sent]
        if direction.way.stop_at is not None and direction.count >= direction.way.stop_at:
            self._stop(link, direction)
        elif direction.has_ended and not direction.told_end:
            self._end(link, direction)

    def _stop(self, link: Link, direction: Direction) -> None:
        match direction.way.end:
            case End.RESET | End.CLOSE:
                link.close(reset=direction.way.end is End.RESET)
            case End.HALF_CLOSE:
                direction.has_ended = True
                self._end(link, direction)
            case End.SILENCE:
                direction.is_silent = True
        link.stopped.set()

    def _end(self, link: Link, direction: Direction) -> None:
        direction.told_end = True
        if link.up.told_end and link.down.told_end:
            link.close()
        else:
            direction.sink.shutdown(socket.SHUT_WR)
