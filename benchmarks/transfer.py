"""The rows of `./bench transfer`: what is sent, how, and what is asked of it."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from benchmarks import exchanges, machine, messages, pairing
from benchmarks.exchanges import Exchange
from benchmarks.messages import GB, KB, MB
from benchmarks.pairing import Spread
from benchmarks.report import Figures, Result, Verdict
from benchmarks.yardsticks import Yardsticks


@dataclass(frozen=True)
class Side:
    """A module under its name, and the start method it is used with."""

    name: str
    module: Any
    start_method: str

    def context(self) -> Any:
        return self.module.get_context(self.start_method)


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


def _within_two_copies(figures: Figures, copy: Spread | None) -> bool | None:
    if copy is None or figures.ours_int is None:
        return None
    return figures.ours.median <= 2 * copy.median + figures.ours_int.median


def _within_hand_off(figures: Figures, _: Spread | None) -> bool | None:
    if figures.ours_int is None:
        return None
    return figures.ours.median <= figures.ours_int.median + 20e-6


TWO_COPIES = Bar("two copies and a hand-off", _within_two_copies)
HAND_OFF = Bar("a hand-off and 20 µs", _within_hand_off)


@dataclass(frozen=True)
class Row:
    """One line of the table. `make` is called once and its result given to both sides."""

    name: str
    title: str
    reply: str
    open: Callable[[Side, Any], Exchange]
    bars: tuple[Bar, ...]
    make: Callable[[], Any] = lambda: None
    size: int | None = None  # bytes of the one buffer, where there is one
    beside_int: bool = False  # measure an int over the same channel too
    most_calls: int = 1_000_000
    most_rounds: int = 1000
    memory: int = 0  # bytes that must be free


ECHO = "the same message back"


def _over_queue(side: Side, message: Any) -> Exchange:
    return exchanges.QueueEcho(side.context(), message)


def _over_pipe(side: Side, message: Any) -> Exchange:
    return exchanges.PipeEcho(side.context(), message)


def _array(name: str, title: str, opener: Any, size: int, *bars: Bar) -> Row:
    return Row(
        name,
        title,
        ECHO,
        opener,
        bars,
        make=lambda: messages.array(size),
        size=size,
        beside_int=True,
    )


def _first(name: str, title: str, size: int) -> Row:
    return Row(
        name,
        title,
        ECHO + ", once in a fresh interpreter",
        lambda side, _: exchanges.FirstArray(side.module.__name__, side.start_method, size),
        (ratio_of(1),),
        size=size,
        most_calls=1,
    )


def _temporary(name: str, title: str, size: int, most_calls: int, most_rounds: int) -> Row:
    return Row(
        name,
        title,
        "nothing: one way, from the array being made to get returning",
        lambda side, _: exchanges.Temporary(side.context(), size),
        (HAND_OFF,),
        size=size,
        beside_int=True,
        most_calls=most_calls,
        most_rounds=most_rounds,
        memory=8 * size,
    )


ROWS = (
    _array("queue-8MB", "8 MB array over Queue", _over_queue, 8 * MB, ratio_of(20), TWO_COPIES),
    _array("pipe-8MB", "8 MB array over Pipe", _over_pipe, 8 * MB, ratio_of(15), TWO_COPIES),
    _array("queue-80MB", "80 MB array over Queue", _over_queue, 80 * MB, ratio_of(25)),
    _array("queue-80kB", "80 kB array over Queue", _over_queue, 80 * KB, ratio_of(4)),
    Row("queue-int", "int over Queue", ECHO, _over_queue, (ratio_of(6),), lambda: 12345),
    Row(
        "queue-dict",
        "small dict over Queue",
        ECHO,
        _over_queue,
        (ratio_of(6),),
        messages.small_dict,
    ),
    Row("pipe-int", "int over Pipe", ECHO, _over_pipe, (ratio_of(2.5),), lambda: 12345),
    Row(
        "pipe-dict", "small dict over Pipe", ECHO, _over_pipe, (ratio_of(2.5),), messages.small_dict
    ),
    Row(
        "flood",
        "flood of 20,000 ints into a Queue, per int",
        "their sum, when the last has been taken",
        lambda side, _: exchanges.Flood(side.context(), 20_000),
        (ratio_of(4),),
    ),
    Row(
        "lists",
        "four lists of 1,000,000 floats, four Queues",
        "each list answers an int over another Queue",
        lambda side, _: exchanges.Lists(side.context(), 4, 1_000_000),
        (ratio_of(2),),
    ),
    Row(
        "frame-32MB",
        "32 MB DataFrame of numbers over Queue",
        ECHO,
        _over_queue,
        (ratio_of(10),),
        lambda: messages.frame_of_numbers(32 * MB),
        size=32 * MB,
    ),
    Row(
        "frame-strings",
        "DataFrame of 1,000,000 strings over Queue",
        ECHO,
        _over_queue,
        (ratio_of(1),),
        lambda: messages.frame_of_strings(1_000_000),
    ),
    Row(
        "dict-large",
        "dict of 1,000,000 entries over Queue",
        ECHO,
        _over_queue,
        (ratio_of(1),),
        lambda: messages.large_dict(1_000_000),
    ),
    _first("first-8MB", "the first 8 MB array of a program", 8 * MB),
    _first("first-80MB", "the first 80 MB array of a program", 80 * MB),
    _temporary("temporary-8MB", "8 MB temporary over Queue, one way", 8 * MB, 20, 1000),
    _temporary("temporary-1GB", "1 GB temporary over Queue, one way", GB, 1, 5),
)


def measure(
    row: Row,
    stock: Side,
    ours: Side,
    yardsticks: Yardsticks,
    pace: Pace,
    progress: Callable[[str], None],
) -> Result:
    """Measures one row. Whatever goes wrong is in the result, and nothing is left running."""
    opened: list[Exchange] = []
    figures, error = None, None
    gc.collect()
    try:
        if row.memory > machine.available_memory():
            raise MemoryError(f"needs {row.memory / 1e9:g} GB of free memory")
        with _patience(pace.patience):
            # Both sides are started before either has sent anything, so that neither forks a
            # process in which the other's threads already run.
            message = row.make()
            for side in (stock, ours):
                opened.append(row.open(side, message))
            for exchange in opened:
                exchange.check()
            figures = _figures(row, opened, pace, progress)
            while opened:
                opened[-1].close()
                opened.pop()
    except Exception as reason:  # one row must not cost the others
        error = f"{type(reason).__name__}: {reason}" if str(reason) else type(reason).__name__
    finally:
        for exchange in opened:
            exchange.abandon()

    verdicts: tuple[Verdict, ...] = ()
    if figures is not None and error is None:
        copy = yardsticks.copies.get(row.size) if row.size else None
        verdicts = tuple(Verdict(bar.text, bar.test(figures, copy)) for bar in row.bars)
    return Result(row.name, row.title, row.reply, row.size, figures, verdicts, error)


def _figures(
    row: Row, opened: list[Exchange], pace: Pace, progress: Callable[[str], None]
) -> Figures:
    legs = [exchange.run for exchange in opened]
    if row.beside_int:
        legs.append(opened[1].run_int)
    calls = [pairing.calls_for(leg, pace.seconds, row.most_calls) for leg in legs]
    rounds = min(pace.rounds, row.most_rounds)
    per_call = pairing.alternate(
        legs, calls, rounds, lambda done: progress(f"{row.title}: round {done} of {rounds}")
    )
    stock, ours, *ours_int = ([value / opened[0].units for value in leg] for leg in per_call)
    return Figures(
        stock=Spread.of(stock),
        ours=Spread.of(ours),
        ratio=Spread.of(pairing.ratios(stock, ours)),
        ours_int=Spread.of(ours_int[0]) if ours_int else None,
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
