"""How the library is found, and what is said when it is not the right one."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import synq
from synq import _ffi, _library


@pytest.fixture(autouse=True)
def _unloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_library, "_loaded", None)


def built(folder: Path, code: str) -> str:
    source, library = folder / "other.c", folder / "other.so"
    source.write_text(code)
    subprocess.run(["cc", "-shared", "-o", library, source], check=True)
    return str(library)


def test_the_environment_is_an_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNQ_LIBRARY", "nowhere/libsynq.so")
    assert _library.candidates() == ["nowhere/libsynq.so"]
    with pytest.raises(synq.LibraryNotFoundError, match=r"Tried:\n  nowhere/libsynq.so: "):
        _library.library()


def test_the_bundled_library_comes_before_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SYNQ_LIBRARY", raising=False)
    monkeypatch.setattr(_library, "BUNDLED", tmp_path)
    (tmp_path / _library.SONAME).touch()
    assert _library.candidates()[:2] == [str(tmp_path / _library.SONAME), _library.SONAME]


def test_the_soname_is_that_of_the_library() -> None:
    _library.library()
    maps = Path("/proc/self/maps").read_text().splitlines()
    mapped = {line.split()[-1] for line in maps if "libsynq" in line}
    (path,) = mapped
    listed = subprocess.run(["readelf", "-d", path], check=True, capture_output=True, text=True).stdout
    assert f"[{_library.SONAME}]" in listed


def test_another_library_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SYNQ_LIBRARY", built(tmp_path, "int other(void) { return 1; }"))
    with pytest.raises(synq.LibraryNotFoundError, match="is not libsynq"):
        _library.library()


def test_an_old_library_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SYNQ_LIBRARY", built(tmp_path, "int synq_version(void) { return 0x000001; }"))
    with pytest.raises(synq.VersionError, match=r"is version 0\.0\.1, and this package needs 0\.1\.0"):
        _library.library()


def test_the_next_minor_version_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code = f"int synq_version(void) {{ return {_ffi.VERSION_HEX + 0x100}; }}"
    monkeypatch.setenv("SYNQ_LIBRARY", built(tmp_path, code))
    with pytest.raises(synq.VersionError, match=r"needs 0\.1\.0 or a later 0\.1\.x"):
        _library.library()


def test_a_library_without_a_function_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code = f"int synq_version(void) {{ return {_ffi.VERSION_HEX}; }}"
    monkeypatch.setenv("SYNQ_LIBRARY", built(tmp_path, code))
    with pytest.raises(synq.VersionError, match="has no synq_strerror: it is older"):
        _library.library()


def test_errors_survive_pickling() -> None:
    error = pickle.loads(pickle.dumps(synq.ClosedError("gone")))
    assert (type(error), error.code, error.message) == (synq.ClosedError, _ffi.ECLOSED, "gone")
    declared = pickle.loads(pickle.dumps(synq.Error("full", "no room", {"max": 2})))
    assert (declared.code, declared.message, declared.details) == ("full", "no room", {"max": 2})


SUB_INTERPRETER = """
import {module} as interpreters
code = '''
try:
    import synq
    synq.Server()
except (ImportError, RuntimeError) as error:
    print(type(error).__name__, error, flush=True)
'''
made = interpreters.create()
print(getattr(interpreters, "run_string", None)(made, code))
"""


def test_a_sub_interpreter_is_refused() -> None:
    module = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    script = SUB_INTERPRETER.format(module=module)
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    # Before 3.13 ctypes refuses by itself, where the interpreter has a lock of its own.
    refusals = ("main interpreter only", "does not support loading in subinterpreters")
    assert any(refusal in run.stdout for refusal in refusals), run
