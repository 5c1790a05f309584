"""What is asked of each row, and whether it was reached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.native.figures import Case, Figures, Row
from benchmarks.pairing import Spread
from benchmarks.report import Verdict

OURS = ("queue", "pipe", "shared", "python")
YARDSTICK = "words"

TIMES_TWO_WORDS = 2.5
FLAT = 1.25  # sizes may differ by so much
FROM_PYTHON = 2


@dataclass(frozen=True)
class Judgement:
    """A case held against another: how many times as long it takes, and the bar if there is one."""

    against: str
    multiple: Spread
    verdict: Verdict | None = None


def judge(row: Row, case: Case) -> Judgement | None:
    """Nothing, where there is nothing to hold it against."""
    if case.figures is None or case.name not in OURS:
        return None
    other = _other(row, case)
    if other is None or other.figures is None:
        return None
    multiple = case.figures.over(other.figures)
    return Judgement(other.name, multiple, _verdict(row, case, multiple.median))


def _other(row: Row, case: Case) -> Case | None:
    if row.kind == "moved":
        return row.cases[0] if case is not row.cases[0] else None
    names = {"spinning": YARDSTICK, "flood": "socket", "joined": "cpp"}
    if row.kind in names:
        return next((other for other in row.cases if other.name == names[row.kind]), None)
    return best_peer(row)


def best_peer(row: Row) -> Case | None:
    return min(_peers(row), key=lambda pair: pair[1].spread.median, default=(None, None))[0]


def _peers(row: Row) -> Iterator[tuple[Case, Figures]]:
    for case in row.cases:
        if case.figures is not None and case.name not in (*OURS, YARDSTICK):
            yield case, case.figures


def _verdict(row: Row, case: Case, multiple: float) -> Verdict | None:
    if row.kind == "spinning" and case.name == "queue":
        return Verdict(f"at most {TIMES_TWO_WORDS:g}x two words", multiple <= TIMES_TWO_WORDS)
    if row.kind == "adaptive":
        return Verdict("no slower than the best other", multiple <= 1)
    if row.kind == "flood":
        return Verdict("faster than the Unix socket", multiple < 1)
    if row.kind == "moved":
        return Verdict(f"at most {FLAT:g}x the smallest", multiple <= FLAT)
    if row.kind == "joined":
        return Verdict(f"at most {FROM_PYTHON}x C++ to C++", multiple <= FROM_PYTHON)
    return None
