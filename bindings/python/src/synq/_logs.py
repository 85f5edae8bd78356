"""What goes to Python's logging: no value of a client can look like a line of its own, or fill the log."""

from __future__ import annotations

import logging
import textwrap
import traceback
from typing import Any

#: Values that are longer are cut: topics and events of clients may be kilobytes.
_MAX_CHARACTERS = 500


def printable(text: str) -> str:
    """A text as one line: control characters, line separators and the like are escaped, what is long is
    cut."""
    if len(text) > _MAX_CHARACTERS:
        text = f"{text[:_MAX_CHARACTERS]}… ({len(text)} characters)"
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _escaped(one) for one in text)


def _escaped(one: str) -> str:
    return one.encode("unicode_escape").decode() if one < "\ud800" or one > "\udfff" else f"\\u{ord(one):04x}"


def failed(
    log: logging.Logger, message: str, error: BaseException, extra: dict[str, Any] | None = None
) -> None:
    """Logs a failure at ERROR with its traceback, whose lines are indented: an exception's text may be a
    client's, and have lines."""
    if not log.isEnabledFor(logging.ERROR):
        return
    info = (type(error), error, error.__traceback__)
    shown = {name: printable(value) for name, value in (extra or {}).items()}
    record = log.makeRecord(
        log.name, logging.ERROR, __file__, 0, "%s: %s", (printable(message), _repr(error)), info, extra=shown
    )
    text = "".join(traceback.format_exception(*info)).rstrip("\n")
    lines = [printable(line) if not line.isprintable() else line for line in text.split("\n")]
    # What a Formatter takes instead of making it from exc_info.
    record.exc_text = textwrap.indent("\n".join(lines), "  ", lambda line: True)
    log.handle(record)


def _repr(error: BaseException) -> str:
    try:
        return printable(repr(error))
    except Exception:
        return type(error).__qualname__
