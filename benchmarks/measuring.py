"""Measuring one row of a table: both sides in turns, and what came of it against its bars."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from benchmarks import machine, pairing
from benchmarks.pairing import Spread
from benchmarks.program import Program
from benchmarks.report import Figures, Result, Verdict
from benchmarks.sides import Side
from benchmarks.yardsticks import Yardsticks


@dataclass(frozen=True)
class Pace:
    """How long to measure: rounds, and the seconds that each side gets in a round."""

    rounds: int
    seconds: float
    patience: int  # seconds after which a row counts as hanging


@dataclass(frozen=True)
class Bar:
    text: str
    test: Callable[[Figures, Spread | None], bool | None]  # given one warm copy of the same bytes


def ratio_of(least: float) -> Bar:
    return Bar(f"{least:g}x", lambda figures, _: figures.ratio.median >= least)


@dataclass(frozen=True)
class Beside:
    """A third leg: what ours is held against besides stock. Opened with the start method and with
    the program of ours."""

    name: str
    open: Callable[[str, Any], Program]

    def within(self, most: float) -> Bar:
        """Ours takes at most so many times as long."""

        def test(figures: Figures, _: Spread | None) -> bool | None:
            return figures.over_beside.median <= most if figures.over_beside else None

        return Bar(f"within {most:g}x of {self.name}", test)


@dataclass(frozen=True)
class Row:
    """One line of the table. `make` is called once and its result given to both sides."""

    name: str
    title: str
    reply: str
    open: Callable[[Side, Any], Program]
    bars: tuple[Bar, ...]
    make: Callable[[], Any] = lambda: None
    size: int | None = None  # bytes of the one buffer, where there is one
    beside: Beside | None = None
    most_calls: int = 1_000_000
    most_rounds: int = 1000
    memory: int = 0  # bytes that must be free


def measure(
    row: Row,
    stock: Side,
    ours: Side,
    pace: Pace,
    progress: Callable[[str], None],
    yardsticks: Yardsticks | None = None,
) -> Result:
    """Measures one row. Whatever goes wrong is in the result, and nothing is left running."""
    opened: list[Program] = []
    figures, error = None, None
    gc.collect()
    try:
        if row.memory > machine.available_memory():
            raise MemoryError(f"needs {row.memory / 1e9:g} GB of free memory")
        with _patience(pace.patience):
            # All are started before any has sent anything, so that none forks a process in which
            # another's threads already run.
            message = row.make()
            for side in (stock, ours):
                opened.append(row.open(side, message))
            if row.beside:
                opened.append(row.beside.open(ours.start_method, opened[1]))
            for program in opened:
                program.check()
            figures = _figures(row, opened, pace, progress)
            while opened:
                opened[-1].close()
                opened.pop()
    except Exception as reason:  # one row must not cost the others
        error = f"{type(reason).__name__}: {reason}" if str(reason) else type(reason).__name__
    finally:
        for program in opened:
            program.abandon()

    verdicts: tuple[Verdict, ...] = ()
    if figures is not None and error is None:
        copy = yardsticks.copies.get(row.size) if yardsticks and row.size else None
        verdicts = tuple(Verdict(bar.text, bar.test(figures, copy)) for bar in row.bars)
    beside = row.beside.name if row.beside else None
    return Result(row.name, row.title, row.reply, row.size, figures, verdicts, error, beside)


def _figures(
    row: Row, opened: list[Program], pace: Pace, progress: Callable[[str], None]
) -> Figures:
    legs = [program.run for program in opened]
    calls = [pairing.calls_for(leg, pace.seconds, row.most_calls) for leg in legs]
    rounds = min(pace.rounds, row.most_rounds)
    per_call = pairing.alternate(
        legs, calls, rounds, lambda done: progress(f"{row.title}: round {done} of {rounds}")
    )
    stock, ours, *beside = ([value / opened[0].units for value in leg] for leg in per_call)
    return Figures(
        stock=Spread.of(stock),
        ours=Spread.of(ours),
        ratio=Spread.of(pairing.ratios(stock, ours)),
        beside=Spread.of(beside[0]) if beside else None,
        over_beside=Spread.of(pairing.ratios(ours, beside[0])) if beside else None,
    )


@contextmanager
def _patience(seconds: int) -> Iterator[None]:
    """Raises TimeoutError in the block when it takes longer, wherever it hangs."""

    def give_up(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"no end after {seconds} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
