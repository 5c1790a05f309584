"""When a pool pays: how many times faster than a loop it is, by what a task takes and is sent.

A task works for so long, by the clock of its own processor time, on an array of so many bytes that
was sent to it, and answers one number. The loop does the same tasks in the parent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import pairing, pooling, report
from benchmarks.pairing import Spread
from benchmarks.program import WrongAnswerError
from benchmarks.sides import Side

NAME = "paying"

SECONDS = (0.0, 10e-6, 100e-6, 1e-3, 10e-3)  # of work in a task
BYTES = (8, 1_000, 80_000, 1_000_000, 8_000_000)  # sent with it

_FEWEST, _MOST = 8, 4_000  # tasks of a call
_MOST_BYTES = 128_000_000  # of a call


@dataclass(frozen=True)
class Gain:
    """How many times faster than a loop a pool of each side is."""

    seconds: float
    bytes: int
    tasks: int
    stock: Spread
    ours: Spread


class Task:
    """What each item is given to: so many seconds of work."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self, array: Any) -> float:
        end = time.thread_time() + self.seconds
        while time.thread_time() < end:
            pass
        return float(array[-1])


def _arrays(size: int, seconds: float, target: float) -> list[Any]:
    """As many as make the loop long enough, each its own: what is sent twice might be sent once."""
    wanted = round(target / max(seconds, 5e-6))
    count = min(max(wanted, _FEWEST), _MOST, _MOST_BYTES // size)
    return [np.full(size // 8, float(number)) for number in range(count)]


def _leg(pool: Any, task: Task, arrays: list[Any]) -> Callable[[int], float]:
    answers = [float(array[-1]) for array in arrays]

    def run(calls: int) -> float:
        begin = time.perf_counter()
        for _ in range(calls):
            came = pool.map(task, arrays)
        seconds = time.perf_counter() - begin
        if came != answers:
            raise WrongAnswerError("the pool gave something else")
        return seconds

    return run


def measure(
    sides: tuple[Side, Side], rounds: int, target: float, progress: Callable[[str], None]
) -> list[Gain]:
    """Every pair of a time and a size, in turns; `target` seconds a leg and round."""
    pools = [pooling.Serial(), *(side.context().Pool(pooling.WORKERS) for side in sides)]
    gains = []
    try:
        for size in BYTES:
            for seconds in SECONDS:
                progress(f"{NAME}, {report.duration(seconds)} and {size:,} bytes")
                arrays = _arrays(size, seconds, target)
                legs = [_leg(pool, Task(seconds), arrays) for pool in pools]
                calls = [pairing.calls_for(leg, target) for leg in legs]
                loop, stock, ours = pairing.alternate(legs, calls, rounds)
                gains.append(
                    Gain(
                        seconds,
                        size,
                        len(arrays),
                        Spread.of(pairing.ratios(loop, stock)),
                        Spread.of(pairing.ratios(loop, ours)),
                    )
                )
    finally:
        for pool in pools:
            pool.terminate()
            pool.join()
    return gains


def lines(gains: list[Gain], sides: tuple[str, str]) -> list[str]:
    """A table with a row for each time and a column for each size."""
    table = [
        f"How many times faster than a loop a map by {pooling.WORKERS} workers is, "
        f"{sides[0]} / {sides[1]}, by what a task takes and what it is sent:",
        _line("", [_size(size) for size in BYTES]),
    ]
    for seconds in SECONDS:
        cells = [
            f"{report.times(gain.stock.median)} / {report.times(gain.ours.median)}"
            for gain in gains
            if gain.seconds == seconds
        ]
        table.append(_line(report.duration(seconds) if seconds else "nothing", cells))
    return table


def _size(size: int) -> str:
    for unit, factor in (("MB", 1_000_000), ("kB", 1_000)):
        if size >= factor:
            return f"{size // factor} {unit}"
    return f"{size} B"


def _line(title: str, cells: list[str]) -> str:
    return f"{title:>10}" + "".join(f" {cell:>17}" for cell in cells)
