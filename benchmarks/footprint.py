"""The bytes that one Value and one Lock take."""

from __future__ import annotations

from typing import Any

from benchmarks import fresh

NAME = "bytes"
COUNT = 100  # made of each


def weigh(side: str, module: str, start_method: str) -> dict[str, Any]:
    found: dict[str, Any] = {"side": side, "count": COUNT}
    try:
        found.update(
            fresh.answer_of("benchmarks.footprint_probe", module, start_method, str(COUNT))
        )
    except RuntimeError as error:
        found["error"] = str(error)
    return found


def lines(found: dict[str, Any]) -> list[str]:
    if "error" in found:
        return [f"{NAME}, {found['side']}: failed: {found['error']}"]
    return [
        f"{found['side']}: a Value takes {found['Value']:.0f} bytes, a Lock {found['Lock']:.0f} "
        f"({found['measure']}, of {found['count']} each)"
    ]
