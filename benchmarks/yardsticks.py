"""What the figures are held against besides the stock module.

Hand-offs and copies come from a small C++ program (handoff.cpp), compiled on first use; the thread
figure is `queue.Queue` between two threads of this process, where nothing is ever copied.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import pairing
from benchmarks.pairing import Spread

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "benchmarks" / "handoff.cpp"
PROGRAM = ROOT / "build" / "benchmarks" / "handoff"


@dataclass(frozen=True)
class Yardsticks:
    """Seconds. `spinning` is None on a single core; copies, and echoes of two processes, by number
    of bytes."""

    spinning: Spread | None
    sleeping: Spread
    threads: Spread
    copies: dict[int, Spread]
    echoes: dict[int, Spread]


def measure(sizes: list[int], rounds: int) -> Yardsticks:
    answer = json.loads(
        subprocess.run(
            [_built(), *map(str, sizes)], check=True, capture_output=True, text=True
        ).stdout
    )
    return Yardsticks(
        spinning=_seconds(answer["spinning"]) if "spinning" in answer else None,
        sleeping=_seconds(answer["sleeping"]),
        threads=thread_round_trip(rounds),
        copies=_by_size(answer["copies"]),
        echoes=_by_size(answer.get("echoes", {})),
    )


def thread_round_trip(rounds: int) -> Spread:
    questions: queue.Queue[object] = queue.Queue()
    answers: queue.Queue[object] = queue.Queue()

    def echo() -> None:
        while (message := questions.get()) is not None:
            answers.put(message)

    def round_trips(calls: int) -> float:
        begin = time.perf_counter()
        for _ in range(calls):
            questions.put(12345)
            answers.get()
        return time.perf_counter() - begin

    thread = threading.Thread(target=echo)
    thread.start()
    try:
        calls = pairing.calls_for(round_trips, 0.05)
        (values,) = pairing.alternate([round_trips], [calls], rounds)
    finally:
        questions.put(None)
        thread.join()
    return Spread.of(values)


def _seconds(nanoseconds: dict[str, float]) -> Spread:
    return Spread(*(nanoseconds[key] * 1e-9 for key in ("median", "low", "high")))


def _by_size(spreads: dict[str, dict[str, float]]) -> dict[int, Spread]:
    return {int(size): _seconds(spread) for size, spread in spreads.items()}


def _built() -> str:
    if not PROGRAM.exists() or PROGRAM.stat().st_mtime < SOURCE.stat().st_mtime:
        PROGRAM.parent.mkdir(parents=True, exist_ok=True)
        compiler = os.environ.get("CXX", "c++")
        subprocess.run([compiler, "-std=c++20", "-O2", SOURCE, "-o", PROGRAM], check=True)
    return str(PROGRAM)
