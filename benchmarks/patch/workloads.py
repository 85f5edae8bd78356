#!/usr/bin/env python3
"""Writes the pairs of the benchmark as NAME/old.json and NAME/new.json into a directory.

They are made from the fixtures of the tests, but for W7, which is other people's data: it is taken from the
folder diff-workloads in the one that SYNQ_SUITES names, else in one named shared beside the checkout.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
FIXTURES = ROOT / "Tests/SynqPatchTests/Fixtures"
SHARED = Path(os.environ.get("SYNQ_SUITES", ROOT.parent / "shared")) / "diff-workloads"

# Which item of W5 went where, in ascending order of the place.
MOVED = [
    (624, 26),
    (544, 443),
    (731, 615),
    (573, 706),
    (748, 766),
    (406, 857),
    (24, 858),
    (504, 886),
    (586, 887),
    (100, 892),
]
WORDS = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "omicron",
    "pi",
    "rho",
    "sigma",
    "tau",
]


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / name).read_text())


def item(number: int, title: str, tags: list[str]) -> dict[str, Any]:
    return {"id": number, "title": f"{title} {number}", "done": True, "tags": tags}


def items(name: str) -> tuple[Any, Any]:
    old, new = fixture("items.json"), fixture("items.json")
    todo = new["items"]
    match name:
        case "W2":
            todo[617]["done"] = False
        case "W3":
            todo.insert(0, item(1001, "beta zeta omicron", ["phi", "kappa", "omicron"]))
        case "W4":
            del todo[500]
        case "W5":
            moved = [todo[number - 1] for number, _ in MOVED]
            todo[:] = [entry for entry in todo if entry not in moved]
            for entry, (_, place) in zip(moved, MOVED, strict=True):
                todo.insert(place, entry)
        case "W5r":
            todo.reverse()
        case "W11":
            todo[399]["done"] = False
            todo[699]["title"] = "psi gamma chi 700!"
            del todo[799]
            todo.insert(0, item(1002, "delta rho zeta", ["zeta", "omega", "gamma"]))
            todo.append(item(1003, "psi alpha phi", ["gamma", "chi", "mu"]))
    return old, new


def nested(changed: str) -> tuple[Any, Any]:
    number = 0

    def level(depth: int, path: str, change: str) -> dict[str, Any]:
        nonlocal number
        members: dict[str, Any] = {}
        for index in range([5, 5, 5, 4, 4, 5][depth]):
            name = f"k{depth}_{index}"
            if depth < 5:
                members[name] = level(depth + 1, f"{path}{name}/", change)
            else:
                number += 1
                members[name] = -1 if path + name == change else number
        return members

    old = level(0, "", "")
    number = 0
    return old, level(0, "", changed)


def users() -> Any:
    """About a megabyte that stays as it is."""
    return {
        "users": [
            {
                "id": n,
                "name": f"{WORDS[n % 19]} {WORDS[n * 7 % 19]}",
                "email": f"user{n}@example.org",
                "age": 18 + n % 60,
                "score": n * 7919 % 100_003 / 100,
                "active": n % 3 > 0,
                "address": {
                    "street": WORDS[n % 17],
                    "zip": f"{n * 31 % 100_000:05}",
                    "geo": [n % 90 + 0.25, n % 180 + 0.5],
                },
                "bio": " ".join(WORDS[(n + k * k) % 19] for k in range(14)),
                "roles": [WORDS[n % 5]],
            }
            for n in range(3700)
        ]
    }


def numbers() -> tuple[Any, Any]:
    old, new = fixture("numbers.json"), fixture("numbers.json")
    for index, value in fixture("numbers-replaced.json").items():
        new[int(index)] = value
    return old, new


def pairs() -> dict[str, tuple[Any, Any]]:
    same = users()
    return {
        "W1": ({"count": 1}, {"count": 2}),
        **{name: items(name) for name in ("W2", "W3", "W4", "W5", "W5r", "W11")},
        "W6": nested("k0_3/k1_2/k2_1/k3_0/k4_3/k5_2"),
        "W8": (fixture("chat-W8-old.json"), fixture("chat-W8-new.json")),
        "W8b": (fixture("chat-W8b-old.json"), fixture("chat-W8b-new.json")),
        "W9": (same, same),
        "W10": numbers(),
    }


def main(directory: Path) -> None:
    for name, sides in pairs().items():
        folder = directory / name
        folder.mkdir(parents=True, exist_ok=True)
        for side, value in zip(("old", "new"), sides, strict=True):
            (folder / f"{side}.json").write_text(json.dumps(value, separators=(",", ":"), ensure_ascii=False))
    if (SHARED / "W7").is_dir():
        (directory / "W7").mkdir(exist_ok=True)
        for side in ("old", "new"):
            shutil.copyfile(SHARED / f"W7/{side}.json", directory / f"W7/{side}.json")
    else:
        print("W7 is left out: SYNQ_SUITES names no folder with diff-workloads", file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
