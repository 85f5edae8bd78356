"""docs/codes.md names what the sources can send: no more and no less."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/codes.md").read_text()
SOURCES = ROOT / "Sources"

# The names that swift-nio gives to HTTP statuses.
STATUSES = {
    "switchingProtocols": 101,
    "ok": 200,
    "noContent": 204,
    "movedPermanently": 301,
    "notModified": 304,
    "badRequest": 400,
    "forbidden": 403,
    "notFound": 404,
    "methodNotAllowed": 405,
    "requestTimeout": 408,
    "gone": 410,
    "payloadTooLarge": 413,
    "tooManyRequests": 429,
    "requestHeaderFieldsTooLarge": 431,
    "internalServerError": 500,
    "serviceUnavailable": 503,
}


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def first_cells(text: str) -> list[str]:
    rows = re.findall(r"^\| (.+?) \|", text, re.MULTILINE)
    return [row.strip("`") for row in rows if not row.startswith("---")]


def source(folder: str) -> str:
    return "\n".join(path.read_text() for path in sorted((SOURCES / folder).rglob("*.swift")))


def test_close_codes() -> None:
    declared = set(re.findall(r"CloseCode\(rawValue: (\d+)\)", source("SynqWire")))
    documented = {cell for cell in first_cells(section("Close codes")) if cell.isdecimal()}
    assert documented == declared


def test_error_codes() -> None:
    report = (SOURCES / "SynqChannels/Channel/ErrorReport.swift").read_text()
    declared = set(re.findall(r'static let \w+ = "(\w+)"', report))
    declared |= set(re.findall(r'\\"code\\":\\"(\w+)\\"', source("SynqNetwork")))
    declared |= set(re.findall(r'code: "(\w+)"', source("Synq")))
    python = "\n".join(path.read_text() for path in (ROOT / "bindings/python/src/synq").glob("*.py"))
    declared |= set(re.findall(r'^ +raise Error\(\s*"(\w+)"', python, re.MULTILINE))
    codes = section("Errors in replies").partition("All others")[2]
    assert set(first_cells(codes)) - {"code"} == declared


def test_reasons() -> None:
    declared = set(re.findall(r'replyReason\(\s*"([^"]+)"', source("SynqChannels")))
    reasons = section("Errors in replies").partition("All others")[0]
    assert set(first_cells(reasons)) - {"reason"} == declared


def test_http_statuses() -> None:
    names = "|".join(STATUSES)
    used = set(re.findall(rf"(?<!\w)\.({names})\b", source("SynqNetwork")))
    used.add("serviceUnavailable")  # written out where a connection is refused unread
    documented = {cell for cell in first_cells(section("HTTP statuses")) if cell.isdecimal()}
    assert documented == {str(STATUSES[name]) for name in used}


def test_limits_exist() -> None:
    header = (ROOT / "include/synq.h").read_text()
    fields = header.partition("typedef struct synq_limits {")[2].partition("}")[0]
    limits = set(re.findall(r"uint32_t (\w+);", fields))
    assert set(re.findall(r"`(max_\w+|\w+_timeout_ms)`", PAGE)) <= limits
