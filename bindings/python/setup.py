"""Puts libsynq.so into the wheel, jansson, which it needs, the licences of both, and synq.js for browsers.

The library is the one that SYNQ_LIBRARY names, else that of this checkout (`make lib`). Without either the
wheel is a pure one, whose user has libsynq from the system. What else the library needs is part of every
Linux that the wheel's tag names: the newest glibc of which the two files use a symbol.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
BROWSER = HERE.parent / "browser"
# Before 1.0 each minor version has a soname of its own.
PROJECT = (HERE / "pyproject.toml").read_text("utf-8")
VERSION = re.findall(r'^version = "(.+)"', PROJECT, re.MULTILINE)[0].split(".")
SONAME = ".".join(["libsynq.so", *VERSION[: 2 if VERSION[0] == "0" else 1]])
JANSSON = "libjansson.so.4"
NOTICES = "THIRD-PARTY-NOTICES"


def library() -> Path | None:
    named = os.environ.get("SYNQ_LIBRARY")
    path = Path(named) if named else HERE.parents[1] / "build/lib" / SONAME
    return path.resolve() if path.exists() else None


def jansson(libsynq: Path) -> Path:
    listed = subprocess.run(["ldd", libsynq], check=True, capture_output=True, text=True).stdout
    found = re.search(rf"{re.escape(JANSSON)} => (\S+)", listed)
    if not found:
        raise RuntimeError(f"{libsynq} needs {JANSSON}, and it is not installed")
    return Path(found[1]).resolve()


def platform_tag(files: list[Path]) -> str:
    used = {int(minor) for file in files for minor in re.findall(rb"\0GLIBC_2\.(\d+)", file.read_bytes())}
    return f"manylinux_2_{max(used)}_{platform.machine()}"


class BuildWithLibrary(build_py):
    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        package = Path(self.build_lib) / "synq"
        if (HERE.parents[1] / "LICENSE").exists():
            shutil.copyfile(HERE.parents[1] / "LICENSE", package / "LICENSE")
        if BROWSER.exists():
            shutil.rmtree(package / "_browser_files", ignore_errors=True)
            shutil.copytree(BROWSER, package / "_browser_files")
        libsynq = library()
        if libsynq is None:
            return
        notices = libsynq.parent / NOTICES
        if not notices.exists():
            raise RuntimeError(
                f"{notices} is missing, and what is in the library must not be given away without: "
                "see scripts/third-party-notices"
            )
        folder = package / "_lib"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copyfile(libsynq, folder / SONAME)
        shutil.copyfile(jansson(libsynq), folder / JANSSON)
        shutil.copyfile(notices, folder / NOTICES)
        shutil.copyfile(HERE / "LICENSE.jansson", folder / "LICENSE.jansson")


class BinaryDistribution(Distribution):
    def has_ext_modules(self) -> bool:
        """Whether the wheel goes where packages with machine code go."""
        return library() is not None


class PlatformWheel(bdist_wheel):
    def get_tag(self) -> tuple[str, str, str]:
        libsynq = library()
        if libsynq is None:
            return ("py3", "none", "any")
        return ("py3", "none", platform_tag([libsynq, jansson(libsynq)]))


setup(
    distclass=BinaryDistribution,
    cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel},
)
