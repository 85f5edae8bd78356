"""``python -m synq push``: one event and its answer."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

from ..client import DisconnectedError, JoinError, ReplyError
from . import options
from .options import compact, indented, parsed, read


def add_to(commands: Any) -> None:
    parser = commands.add_parser(
        "push",
        help="send an event and show the answer",
        description="Joins a topic, sends one event and shows the response on the standard output. The exit "
        'status is 1 when the answer\'s status is not "ok".',
    )
    options.add_connection(parser)
    parser.add_argument("event", metavar="EVENT", help="the event's name")
    parser.add_argument(
        "payload",
        metavar="JSON",
        nargs="?",
        default="{}",
        help='its payload; "-" reads it from the standard input; default: {}',
    )
    parser.add_argument("--compact", action="store_true", help="the response on one line")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    text = read("-").decode("utf-8", "replace") if given.payload == "-" else given.payload
    payload = parsed(text, "the payload")
    return asyncio.run(_push(given, payload))


async def _push(given: argparse.Namespace, payload: Any) -> int:
    params = parsed(given.params, "--params")
    async with options.client(given, reconnect=False) as client:
        try:
            channel = await client.join(given.topic, params)
            response = await channel.push(given.event, payload)
        except JoinError as refused:
            return _no(f"the join of {given.topic} was refused: {refused}")
        except ReplyError as error:
            _show(error.response, given)
            return _no(f"{given.event}: {error.status}: {error}")
        except DisconnectedError as error:
            if error.code == "disconnected":
                raise
            return _no(f"{given.event}: {error.message}")
        _show(response, given)
        return 0


def _show(response: Any, given: argparse.Namespace) -> None:
    if isinstance(response, bytes):
        sys.stdout.buffer.write(response)
        return
    text = compact(response)
    print(text if given.compact else indented(text))


def _no(text: str) -> int:
    print(text if text.isprintable() else ascii(text), file=sys.stderr)
    return 1
