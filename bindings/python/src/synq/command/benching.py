"""``python -m synq bench``: how fast a server answers."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from ..client import Client, DisconnectedError, JoinError, ReplyError
from . import options
from .options import compact, parsed


def add_to(commands: Any) -> None:
    parser = commands.add_parser(
        "bench",
        help="measure how fast a server answers",
        description="Connects clients that join a topic, and lets each send one message after another for "
        "some seconds: heartbeats, which change nothing, or the event that is named. One Python process "
        "sends some thousand messages a second: this shows how long answers take, and not what a large "
        "server can do; for that, see benchmarks/ in the sources.",
    )
    options.add_connection(parser)
    parser.add_argument("--event", help="what to send; default: heartbeats")
    parser.add_argument("--payload", metavar="JSON", default="{}", help="of the event")
    parser.add_argument("--clients", metavar="N", type=options.count, default=10, help="default: 10")
    parser.add_argument("--seconds", metavar="N", type=options.seconds, default=5.0, help="default: 5")
    parser.add_argument("--json", action="store_true", help="the figures as one JSON object")
    parser.epilog = 'A "{}" in TOPIC is each client\'s number: "room:{}".'
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    return asyncio.run(_bench(given))


async def _bench(given: argparse.Namespace) -> int:
    params, payload = parsed(given.params, "--params"), parsed(given.payload, "--payload")
    clients = [options.client(given, reconnect=False) for _ in range(given.clients)]
    try:
        began = time.perf_counter()
        await asyncio.gather(*(client.connect() for client in clients))
        connected = time.perf_counter() - began
        try:
            sends = await asyncio.gather(
                *(
                    _prepare(client, given, params, payload, number)
                    for number, client in enumerate(clients, 1)
                )
            )
        except JoinError as refused:
            print(f"the join was refused: {refused}", file=sys.stderr)
            return 1
        joined = time.perf_counter() - began - connected
        times: list[float] = []
        errors: dict[str, int] = {}
        began = time.perf_counter()
        await asyncio.gather(*(_send_on(send, began + given.seconds, times, errors) for send in sends))
        taken = time.perf_counter() - began
    finally:
        await asyncio.gather(*(client.close() for client in clients))
    figures = _figures(times, errors, taken, connected, joined, given)
    print(compact(figures) if given.json else _text(figures))
    return 1 if errors else 0


async def _prepare(
    client: Client, given: argparse.Namespace, params: Any, payload: Any, number: int
) -> Callable[[], Awaitable[Any]]:
    """What sends one message and waits for the answer."""
    channel = await client.join(given.topic.replace("{}", str(number)), params)
    if given.event is None:
        return client.ping
    return lambda: channel.push(given.event, payload)


async def _send_on(
    send: Callable[[], Awaitable[Any]], until: float, times: list[float], errors: dict[str, int]
) -> None:
    while (began := time.perf_counter()) < until:
        try:
            await send()
        except (ReplyError, DisconnectedError, asyncio.TimeoutError) as error:
            code = getattr(error, "code", "timeout")
            errors[code] = errors.get(code, 0) + 1
            if not isinstance(error, ReplyError):
                return
        else:
            times.append(time.perf_counter() - began)


def _figures(
    times: list[float],
    errors: dict[str, int],
    taken: float,
    connected: float,
    joined: float,
    given: argparse.Namespace,
) -> dict[str, Any]:
    times.sort()

    def share(part: float) -> float | None:
        return round(times[min(len(times) - 1, int(len(times) * part))] * 1000, 3) if times else None

    return {
        "clients": given.clients,
        "seconds": round(taken, 3),
        "connect_ms": round(connected * 1000, 3),
        "join_ms": round(joined * 1000, 3),
        "answers": len(times),
        "answers_per_second": round(len(times) / taken, 1),
        "milliseconds": {"p50": share(0.5), "p90": share(0.9), "p99": share(0.99), "max": share(1.0)},
        "errors": errors,
    }


def _text(figures: dict[str, Any]) -> str:
    times = figures["milliseconds"]
    lines = [
        f"{figures['clients']} clients: connected in {figures['connect_ms']} ms, joined in "
        f"{figures['join_ms']} ms",
        f"{figures['answers']} answers in {figures['seconds']} s: {figures['answers_per_second']} a second",
        f"an answer took {times['p50']} ms (median), {times['p90']} (90 %), {times['p99']} (99 %), "
        f"{times['max']} (longest)",
    ]
    lines += [f"error {compact(code)[1:-1]}: {number}" for code, number in figures["errors"].items()]
    return "\n".join(lines)
