#!/usr/bin/env python3
"""Times the diff engines of PyPI on the pairs of a directory, and prints, as patch-bench, an object a line.

`orjson loads` is no engine: it is what merely reading the two texts costs.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jsonpatch
import orjson

try:
    import fastjsonpatch
except ImportError:
    fastjsonpatch = None

LIMIT_S = 2.0


def measure(body: Callable[[], Any]) -> float:
    """The best time of one call in microseconds."""
    best = float("inf")
    end = time.perf_counter() + LIMIT_S
    calls = 0
    while calls < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        body()
        best = min(best, time.perf_counter() - start)
        calls += 1
        if calls == 1 and best > LIMIT_S:
            break
    return best * 1e6


def parse_both(old: bytes, new: bytes) -> None:
    orjson.loads(old)
    orjson.loads(new)


def report(workload: str, engine: str, us: float, patch: list[Any] | None) -> None:
    size = (
        None if patch is None else len(json.dumps(patch, separators=(",", ":"), ensure_ascii=False).encode())
    )
    operations = None if patch is None else len(patch)
    print(
        json.dumps(
            {
                "workload": workload,
                "engine": engine,
                "us": round(us, 3),
                "operations": operations,
                "bytes": size,
            }
        ),
        flush=True,
    )


def main(directory: Path) -> None:
    for folder in sorted(
        directory.iterdir(), key=lambda path: (int("".join(filter(str.isdigit, path.name))), path.name)
    ):
        old_text, new_text = ((folder / f"{side}.json").read_bytes() for side in ("old", "new"))
        old, new = orjson.loads(old_text), orjson.loads(new_text)
        patch = jsonpatch.make_patch(old, new)
        report(folder.name, "jsonpatch", measure(partial(jsonpatch.make_patch, old, new)), patch.patch)
        if fastjsonpatch is not None:
            fast = fastjsonpatch.make_patch(old, new)
            operations = orjson.loads(fast.to_string()) if hasattr(fast, "to_string") else list(fast)
            report(
                folder.name, "fastjsonpatch", measure(partial(fastjsonpatch.make_patch, old, new)), operations
            )
        report(
            folder.name,
            "orjson loads",
            measure(partial(parse_both, old_text, new_text)),
            None,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
