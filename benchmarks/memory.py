"""The memory rows: what stays in use after many arrays, and what a waiting int takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks import fresh

# Rows and what memory_probe calls them.
ROWS = {"memory-arrays": "arrays", "memory-ints": "ints"}

MOST_BYTES_PER_INT = 64


@dataclass(frozen=True)
class Counts:
    """How many messages each row sends."""

    arrays: int
    ints: int


def probe(row: str, side: str, module: str, start_method: str, counts: Counts) -> dict[str, Any]:
    """Measures one row of one side, in a program of its own."""
    count = getattr(counts, ROWS[row])
    found: dict[str, Any] = {"name": row, "side": side}
    try:
        found.update(
            fresh.answer_of("benchmarks.memory_probe", ROWS[row], module, start_method, str(count))
        )
    except RuntimeError as error:
        found["error"] = str(error)
    return found


def lines(found: dict[str, Any]) -> list[str]:
    if "error" in found:
        return [f"{found['name']}, {found['side']}: failed: {found['error']}"]
    return _array_lines(found) if "after" in found else _int_lines(found)


def _array_lines(found: dict[str, Any]) -> list[str]:
    points = found["after"]
    first, last = points[0], points[-1]
    texts = [
        f"{found['side']}, after {point['arrays']} arrays of 8 MB: resident "
        f"{point['parent'] / 1e6:.1f} MB in the parent, {point['child'] / 1e6:.1f} MB in the child"
        + "".join(f", {name} {size / 1e6:.1f} MB" for name, size in point["arena"].items())
        for point in points
    ]
    grown = [last[process] - first[process] for process in ("parent", "child")]
    grown += [last["arena"][name] - size for name, size in first["arena"].items()]
    return [*texts, f"  grown by less than 1 MB: {_met(max(grown) < 1_000_000)}"]


def _int_lines(found: dict[str, Any]) -> list[str]:
    each = found["bytes per int"]
    return [
        f"{found['side']}, {found['ints']} ints waiting in a Queue: {each:.1f} bytes each",
        f"  at most {MOST_BYTES_PER_INT}: {_met(each <= MOST_BYTES_PER_INT)}",
    ]


def _met(met: bool) -> str:
    return "met" if met else "NOT MET"
