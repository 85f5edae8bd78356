"""``python -m synq watch``: a state and its patches, as they come."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

from ..client import ClientChannel, JoinError, StateChange
from . import options
from .options import compact, indented, parsed


def add_to(commands: Any) -> None:
    parser = commands.add_parser(
        "watch",
        help="show a topic's state, its patches and its events",
        description="Joins a topic and shows its state, then each patch and each event of the server, until "
        "the server closes the channel, or Ctrl-C. It comes back after a lost connection.",
    )
    options.add_connection(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line, for programs")
    parser.add_argument("--full", action="store_true", help="show the whole state after each patch")
    parser.add_argument("--no-events", action="store_true", help="states and patches only")
    parser.add_argument("--count", metavar="N", type=options.count, help="end after N lines or states")
    parser.add_argument("--once", action="store_true", help="show the first state and end")
    parser.add_argument("--no-reconnect", action="store_true", help="end when the connection is lost")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    return asyncio.run(_watch(given))


async def _watch(given: argparse.Namespace) -> int:
    params = parsed(given.params, "--params")
    client = options.client(given, reconnect=not given.no_reconnect)
    async with client:
        shows = Shower(given)
        channel = client.channel(given.topic, params)
        channel.on_state(shows.state)
        if not given.no_events and not given.once:
            channel.on_event(shows.event)
        channel.on_error(shows.error)
        channel.on_status(shows.status)
        try:
            await channel.joined()
            if given.once:
                await channel.wait_for_state()
        except JoinError as refused:
            print(f"the join of {given.topic} was refused: {refused}", file=sys.stderr)
            return 1
        await _end(channel, shows)
        if client._end is not None and given.no_reconnect:
            raise client._end
    if shows.failure is not None:
        raise shows.failure
    return 0


async def _end(channel: ClientChannel, shows: Shower) -> None:
    """Waits until the channel is closed, or all has been shown."""
    if channel.status == "closed":
        return
    channel.on_status(lambda status, _: shows.done.set() if status == "closed" else None)
    await shows.done.wait()


class Shower:
    """Writes what comes, a line or some each."""

    def __init__(self, given: argparse.Namespace) -> None:
        self._as_json = given.json
        self._full = given.full
        self._left = 1 if given.once else given.count
        self._color = sys.stdout.isatty() and not given.json
        self.done = asyncio.Event()
        #: Why nothing more can be written.
        self.failure: OSError | None = None

    def state(self, change: StateChange) -> None:
        if self._as_json:
            line: dict[str, Any] = {"type": "state" if change.operations is None else "patch"}
            line["version"] = change.version
            if change.operations is not None:
                line["operations"] = change.operations
            if change.operations is None or self._full:
                line["state"] = change.state
            self._write(compact(line))
            return
        lines = [self._dim(f"version {change.version}")]
        if change.operations is not None:
            lines += [_operation(one) for one in change.operations]
        if change.operations is None or self._full:
            lines.append(indented(compact(change.state)))
        self._write("\n".join(lines))

    def event(self, event: str, payload: Any) -> None:
        if self._as_json:
            self._write(compact({"type": "event", "event": event, "payload": payload}))
        else:
            self._write(f"{self._dim('event')} {compact(event)[1:-1]} {compact(payload)}")

    def error(self, error: Exception) -> None:
        print(f"error: {compact(str(error))[1:-1]}", file=sys.stderr)

    def status(self, status: str, resumed: bool) -> None:
        if self._as_json:
            if status in ("waiting", "joined", "closed"):
                line: dict[str, Any] = {"type": "status", "status": status}
                if status == "joined":
                    line["resumed"] = resumed
                self._write(compact(line), 0)
        elif status == "waiting":
            print("waiting for the connection …", file=sys.stderr)
        elif status == "closed":
            print("the channel is closed", file=sys.stderr)

    def _write(self, text: str, counts: int = 1) -> None:
        if self.done.is_set():
            return
        try:
            print(text, flush=True)
        except OSError as failure:
            self.failure = failure
            self.done.set()
            return
        if self._left is not None:
            self._left -= counts
            if self._left <= 0:
                self.done.set()

    def _dim(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self._color else text


def _operation(operation: Any) -> str:
    """``replace /count 4``: an operation of a patch on a line."""
    words = [str(operation.get("op")), compact(str(operation.get("path")))[1:-1]]
    if "from" in operation:
        words.append(f"from {compact(str(operation['from']))[1:-1]}")
    if "value" in operation:
        words.append(compact(operation["value"]))
    return "  " + " ".join(words)
