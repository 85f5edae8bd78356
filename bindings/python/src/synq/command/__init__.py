"""The command line: ``python -m synq watch``, ``push``, ``bench``, ``diff`` and ``apply``.

It exits with 0 when all is well; with 1 when the answer is no (a refusal, an error reply, documents that
differ, a patch that does not apply); with 2 for wrong usage and input that cannot be read; with 3 when there
is no connection; with 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from .._logs import printable
from . import benching, patching, pushing, watching
from .options import FAILED, UsageError

_EPILOG = """\
exit status:
  0    all is well; diff: the documents are equal
  1    the answer is no: refused, an error reply, documents differ, a patch does not apply
  2    wrong usage, or input that cannot be read
  3    no connection, or it was lost
  130  Ctrl-C

examples:
  python -m synq watch ws://localhost:4000/socket counter:1
  python -m synq push ws://localhost:4000/socket counter:1 inc '{"by": 2}'
  python -m synq bench ws://localhost:4000/socket counter:1 --event inc --clients 50
  python -m synq diff old.json new.json > patch.json
  python -m synq apply old.json patch.json
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command, and gives the exit status."""
    from .. import __version__

    parser = argparse.ArgumentParser(
        prog="python -m synq",
        description="Looks at channels of a Phoenix server, and works with JSON patches.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"synq {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (watching, pushing, benching, patching):
        module.add_to(commands)
    given = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.DEBUG if getattr(given, "verbose", False) else logging.WARNING,
        format="%(message)s",
        stream=sys.stderr,
    )
    try:
        status: int = given.run(given)
        sys.stdout.flush()
        return status
    except UsageError as error:
        return _say(f"{given.command}: {error}", 2)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the output has enough of it. Nothing more may be written, at the exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # as a program that SIGPIPE ends
    except FAILED as error:
        return _say(f"{given.command}: {str(error) or 'there was no answer in time'}", 3)


def _say(text: str, status: int) -> int:
    print(printable(f"python -m synq {text}"), file=sys.stderr)
    return status
