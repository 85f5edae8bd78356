#!/usr/bin/env python3
"""Prints what benchmarks/patch/run measured: time and bytes of every engine on every pair, and the growth.

table.py RESULTS GROWTH [COPY]      COPY gets every measurement, one JSON object a line
"""

import json
import platform
import sys
from datetime import date
from pathlib import Path
from typing import Any

WHAT = {
    "W1": "tiny state, one number",
    "W2": "1,000 items, one flag",
    "W3": "1,000 items, one inserted first",
    "W4": "1,000 items, one removed",
    "W5": "1,000 items, ten moved",
    "W5r": "1,000 items, reversed",
    "W6": "six levels, 10,000 leaves, one",
    "W7": "twitter.json, 48 strings",
    "W8": "chat of 20, newest first",
    "W8b": "chat of 20, newest last",
    "W9": "1 MB, nothing",
    "W10": "10,000 numbers, 100",
    "W11": "1,000 items, five changes",
}


def lines(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def us(value: float) -> str:
    return f"{value:,.2f}" if value < 10 else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def main(results: str, growth: str, copy: str | None = None) -> None:
    rows = {(row["workload"], row["engine"]): row for row in lines(results)}
    if copy is not None:
        complete = [
            {
                "operations": None,
                "bytes": None,
                **row,
                "memcmp_us": rows[row["workload"], "synq"]["memcmp_us"],
            }
            for row in rows.values()
        ]
        Path(copy).write_text("".join(json.dumps(row) + "\n" for row in complete))
    engines = [
        name for name in ("synq", "nlohmann", "fastjsonpatch", "jsonpatch") if any(name == e for _, e in rows)
    ]
    yardsticks = [name for name in ("jansson equal", "orjson loads") if any(name == e for _, e in rows)]
    print(f"{date.today()}, {processor()}. Times in µs, the best of many; that of synq with the text.\n")
    head = ["pair", "memcmp", *engines, *yardsticks, "synq apply"]
    table = [head]
    sizes = [["pair", *engines]]
    for name, what in WHAT.items():
        if (name, "synq") not in rows:
            continue
        cells = [rows.get((name, engine)) for engine in [*engines, *yardsticks, "synq apply"]]
        table.append(
            [
                f"{name} {what}",
                us(rows[name, "synq"]["memcmp_us"]),
                *(us(c["us"]) if c else "" for c in cells),
            ]
        )
        found = [rows.get((name, engine)) for engine in engines]
        sizes.append(
            [f"{name} {what}", *(f"{c['bytes']:,} ({c['operations']:,})" if c else "" for c in found)]
        )
    show(table)
    edit = rows.get(("W2", "synq edit + diff"))
    if edit:
        print(f"\nAn edit by pointer in the 1,000 items and its diff: {us(edit['us'])} µs")
    print("\nBytes of the compact patch (operations)\n")
    show(sizes)
    print("\nGrowth of a diff: nanoseconds for each element\n")
    counts = sorted({row["count"] for row in lines(growth)})
    table = [["", *(f"{count:,}" for count in counts)]]
    for shape, change in dict.fromkeys((row["shape"], row["change"]) for row in lines(growth)):
        found = [
            row["ns_per_element"] for row in lines(growth) if (row["shape"], row["change"]) == (shape, change)
        ]
        table.append([f"{shape}, {change}", *(us(value) for value in found)])
    show(table)


def show(table: list[list[str]]) -> None:
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for number, row in enumerate(table):
        first, *rest = (
            cell.ljust(w) if i == 0 else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        print(f"| {' | '.join([first, *rest])} |")
        if number == 0:
            print(f"|{'|'.join('-' * (w + 1) + (':' if i else '-') for i, w in enumerate(widths))}|")


if __name__ == "__main__":
    main(*sys.argv[1:])
