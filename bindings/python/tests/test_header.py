"""_ffi.py and _functions.py say what include/synq.h says."""

from __future__ import annotations

import ctypes
import re
from ctypes import c_char_p, c_double, c_int, c_int64, c_size_t, c_uint16, c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import Any

import pytest

from synq import _ffi, _functions
from synq.errors import BY_CODE
from synq.limits import Limits, Stats

ROOT = Path(__file__).resolve().parents[3]
HEADER = (ROOT / "include" / "synq.h").read_text()
CODE = re.sub(r"/\*.*?\*/", " ", HEADER, flags=re.DOTALL).replace(" SYNQ_MUST_CHECK;", ";")

SCALARS: dict[str, Any] = {
    "int": c_int,
    "size_t": c_size_t,
    "int64_t": c_int64,
    "uint16_t": c_uint16,
    "uint32_t": c_uint32,
    "uint64_t": c_uint64,
    "double": c_double,
    "synq_delivery_t": c_int,
    "synq_log_level_t": c_int,
    "synq_switch_t": c_int,
    "synq_dialect_t": c_int,
    "synq_tls_version_t": c_int,
    "void": None,
}
STRUCTS: dict[str, Any] = {
    "log_record": _ffi.log_record,
    "limits": _ffi.limits,
    "server_options": _ffi.server_options,
    "channel_options": _ffi.channel_options,
    "mount_options": _ffi.mount_options,
    "stats": _ffi.stats,
    "link_request": _ffi.link_request,
    "link_options": _ffi.link_options,
}


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def prototypes() -> dict[str, tuple[str, list[str]]]:
    """Each function of the header: its result and the types of its arguments."""
    found = {}
    for result, name, arguments in re.findall(
        r"^((?:const )?\w+ \**)(synq_\w+)\(([^)]*)\);", CODE, flags=re.MULTILINE | re.DOTALL
    ):
        types = [squeezed(argument) for argument in arguments.split(",")]
        found[name] = (squeezed(result), [] if types == ["void"] else types)
    return found


def ctype(declaration: str, *, returned: bool = False) -> Any:
    """What a C declaration is in ctypes."""
    text = squeezed(declaration)
    text = text if returned else re.sub(r"\w+$", "", text).strip()
    text = text.replace("const ", "")
    if "*" not in text:
        if text.endswith("_fn"):
            return getattr(_ffi, text.removeprefix("synq_"))
        return SCALARS[text]
    base, stars = text.replace(" ", "").split("*", 1)[0], text.count("*")
    if base == "char":
        return c_char_p if stars == 1 else "char **"
    struct = STRUCTS.get(base.removeprefix("synq_").removesuffix("_t"))
    if struct is not None:
        return ctypes.POINTER(struct)
    if stars == 2:
        return ctypes.POINTER(c_void_p)
    if base in SCALARS and base != "void":
        return ctypes.POINTER(SCALARS[base])
    return c_void_p


PROTOTYPES = prototypes()


def test_the_header_was_read() -> None:
    assert len(PROTOTYPES) > 80
    assert PROTOTYPES["synq_version"] == ("int", [])


def test_every_function_of_the_header_is_there_and_no_other() -> None:
    assert sorted(_functions.FUNCTIONS) == sorted(PROTOTYPES)


@pytest.mark.parametrize("name", sorted(_functions.FUNCTIONS))
def test_a_function_has_the_types_of_the_header(name: str) -> None:
    result, arguments = PROTOTYPES[name]
    prototype = _functions.FUNCTIONS[name]
    assert prototype.result is ctype(result, returned=True)
    assert len(prototype.arguments) == len(arguments)
    for given, declared in zip(prototype.arguments, arguments, strict=True):
        expected = ctype(declared)
        if expected == "char **":
            assert given in (ctypes.POINTER(c_void_p), ctypes.POINTER(c_char_p)), declared
        elif expected is c_void_p and declared.startswith("const void *"):
            assert given in (c_void_p, c_char_p), declared
        else:
            assert given is expected, declared


def test_each_prototype_is_quoted_above_its_function() -> None:
    source = Path(_functions.__file__).read_text()
    quoted = {}
    for comment, name in re.findall(r"((?:^    # .*\n)+)^    \"(synq_\w+)\":", source, flags=re.MULTILINE):
        lines = [line.strip().removeprefix("#").strip() for line in comment.splitlines()]
        quoted[name] = " ".join(line for line in lines if not line.startswith("--"))
    for name, (result, arguments) in PROTOTYPES.items():
        star = "" if result.endswith("*") else " "
        assert quoted[name] == f"{result}{star}{name}({', '.join(arguments) or 'void'});"


@pytest.mark.parametrize("name", sorted(STRUCTS))
def test_a_struct_has_the_members_of_the_header(name: str) -> None:
    body = re.search(rf"typedef struct synq_{name} \{{(.*?)\}} synq_{name}_t;", CODE, flags=re.DOTALL)
    assert body is not None
    declared = [squeezed(line) for line in body.group(1).split(";") if line.strip()]
    fields: list[tuple[str, Any]] = STRUCTS[name]._fields_
    assert [field for field, _ in fields] == [re.search(r"\w+$", line).group() for line in declared]  # type: ignore[union-attr]
    for (_, given), declaration in zip(fields, declared, strict=True):
        if "*const *" in declaration:
            assert given is _ffi.strings_p, declaration
        else:
            assert given is ctype(declaration), declaration


def test_the_callback_types_have_the_arguments_of_the_header() -> None:
    for result, name, arguments in re.findall(
        r"typedef (\w+) \(\*(synq_\w+_fn)\)\(([^)]*)\);", CODE, flags=re.DOTALL
    ):
        kind = getattr(_ffi, name.removeprefix("synq_"))
        assert kind._restype_ is SCALARS[result], name
        assert list(kind._argtypes_) == [ctype(argument) for argument in arguments.split(",")], name


def test_the_constants_have_the_values_of_the_header() -> None:
    constants = dict(re.findall(r"\bSYNQ_([A-Z_]+) = (-?\d+)", CODE))
    constants |= dict(re.findall(r"#define SYNQ_(VERSION_MAJOR|VERSION_MINOR|VERSION_PATCH) (\d+)", CODE))
    assert len(constants) > 40
    for name, value in constants.items():
        assert getattr(_ffi, name) == int(value), name


def test_every_error_code_has_an_exception_of_its_own() -> None:
    codes = {int(value) for name, value in re.findall(r"\bSYNQ_(E[A-Z]+) = (-\d+)", CODE)}
    assert set(BY_CODE) == codes


def test_limits_and_stats_have_the_members_of_their_structs() -> None:
    assert ["size", *Limits.__dataclass_fields__] == [field[0] for field in _ffi.limits._fields_]
    assert ["size", *Stats._fields] == [field[0] for field in _ffi.stats._fields_]
