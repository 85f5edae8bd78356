"""bindings/browser as a package: what npm packs, what it exports, and what its types know."""

import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from .conftest import HERE

BROWSER = HERE.parents[1] / "bindings/browser"


def tool(name):
    """A program of Node's world. A machine that tests everything must not pass for want of one."""
    if found := shutil.which(name):
        return found
    return pytest.fail(f"{name} is missing") if os.environ.get("CI") else pytest.skip(f"there is no {name}")


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the packed package as a dependency, as npm would leave it."""
    folder = tmp_path_factory.mktemp("package")
    environment = ("--cache", str(folder / "cache"), "--offline")
    [packed] = json.loads(
        run(tool("npm"), "pack", "--json", "--pack-destination", str(folder), *environment, cwd=BROWSER)
    )
    with tarfile.open(folder / packed["filename"]) as archive:
        archive.extractall(folder / "node_modules", filter="data")
    (folder / "node_modules/package").rename(folder / "node_modules/synq")
    return folder


def test_the_package_has_every_module_and_the_types(installed):
    there = {path.name for path in (installed / "node_modules/synq").iterdir()}
    modules = {path.name for path in BROWSER.glob("*.js")}
    assert there == modules | {"synq.d.ts", "package.json", "README.md", "LICENSE"}


def test_its_exports_are_those_of_the_types(installed):
    script = "import * as synq from 'synq'; console.log(JSON.stringify(Object.keys(synq).sort()))"
    names = json.loads(run(tool("node"), "--input-type=module", "-e", script, cwd=installed))
    assert names == ["Channel", "Socket", "SynqError", "applyPatch", "presence", "store"]


def test_its_modules_are_no_exports(installed):
    script = "import('synq/channel.js').catch((error) => console.log(error.code))"
    assert run(tool("node"), "-e", script, cwd=installed).strip() == "ERR_PACKAGE_PATH_NOT_EXPORTED"


def test_the_types_know_the_state_and_refuse_what_is_wrong():
    run(tool("tsc"), "-p", str(HERE / "types"), cwd=HERE)


def test_the_types_are_found_in_the_package(installed):
    for name in ("board.ts", "tsconfig.json"):
        shutil.copy(HERE / "types" / name, installed / name)
    config = json.loads((installed / "tsconfig.json").read_text())
    del config["compilerOptions"]["paths"]
    config["compilerOptions"] |= {"module": "nodenext", "moduleResolution": "nodenext"}
    (installed / "tsconfig.json").write_text(json.dumps(config))
    Path(installed / "package.json").write_text('{"type": "module"}')
    run(tool("tsc"), "-p", str(installed), cwd=installed)


@pytest.mark.parametrize("guide", ["bindings/browser/README.md", "docs/resume.md"])
def test_the_examples_of_the_guides_are_javascript(guide, tmp_path):
    blocks = re.findall(r"```js\n(.*?)```", (HERE.parents[1] / guide).read_text(), re.DOTALL)
    assert blocks
    for number, block in enumerate(blocks):
        (tmp_path / f"{number}.mjs").write_text(block)
        run(tool("node"), "--check", f"{number}.mjs", cwd=tmp_path)
