"""``python -m synq diff`` and ``apply``: JSON patches of files. Numbers stay as they are written."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from .. import patch
from ..errors import JSONError, LimitError, PatchError
from .options import UsageError, indented, read


def add_to(commands: Any) -> None:
    differ = commands.add_parser(
        "diff",
        help="the JSON Patch from one document to another",
        description="Writes the JSON Patch (RFC 6902) that turns A into B. The exit status is as of diff(1): "
        "0 when they are equal, 1 when they differ, 2 for trouble.",
    )
    differ.add_argument("before", metavar="A", help='a JSON file, or "-" for the standard input')
    differ.add_argument("after", metavar="B", help="likewise")
    differ.add_argument("--compact", action="store_true", help="on one line")
    differ.set_defaults(run=run_diff)
    applier = commands.add_parser(
        "apply",
        help="a document after a JSON Patch",
        description="Writes the document as it is after the patch. The exit status is 1, and nothing is "
        "written, when the patch does not apply.",
    )
    applier.add_argument("document", metavar="DOC", help='a JSON file, or "-" for the standard input')
    applier.add_argument("patch", metavar="PATCH", help="likewise")
    applier.add_argument("--compact", action="store_true", help="on one line")
    applier.add_argument("-o", "--output", metavar="FILE", help="write there; may be DOC itself")
    applier.set_defaults(run=run_apply)


def run_diff(given: argparse.Namespace) -> int:
    before, after = _two(given.before, given.after)
    text = _checked(given, before, after, patch.diff_text)
    print(_shown(text, given))
    return 0 if text == "[]" else 1


def run_apply(given: argparse.Namespace) -> int:
    document, operations = _two(given.document, given.patch)
    try:
        text = _shown(_checked(given, document, operations, patch.apply_text), given)
    except PatchError as error:
        print(f"the patch does not apply: {error}", file=sys.stderr)
        return 1
    if given.output is None:
        print(text)
    else:
        _write(Path(given.output), text + "\n")
    return 0


def _two(one: str, other: str) -> tuple[bytes, bytes]:
    if one == other == "-":
        raise UsageError("only one of the two can be the standard input")
    return read(one), read(other)


def _checked(given: argparse.Namespace, one: bytes, other: bytes, work: Any) -> str:
    try:
        text: str = work(one, other)
    except (JSONError, LimitError) as error:
        raise UsageError(str(error)) from None
    return text


def _shown(text: str, given: argparse.Namespace) -> str:
    return text if given.compact else indented(text)


def _write(path: Path, text: str) -> None:
    """Writes a file whole, or leaves it as it was."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        made = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            mode = path.stat().st_mode if path.exists() else 0o666 & ~_umask()
            made.chmod(mode & 0o7777)
            made.replace(path)
        except BaseException:
            made.unlink()
            raise
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
