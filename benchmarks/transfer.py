"""The rows of `./bench transfer`: what is sent, how, and what is asked of it."""

from __future__ import annotations

from typing import Any

from benchmarks import exchanges, fresh, messages
from benchmarks.measuring import Bar, Beside, Row, ratio_of
from benchmarks.messages import GB, KB, MB
from benchmarks.pairing import Spread
from benchmarks.program import Program
from benchmarks.report import Figures
from benchmarks.sides import Side


def _within_two_copies(figures: Figures, copy: Spread | None) -> bool | None:
    if copy is None or figures.beside is None:
        return None
    return figures.ours.median <= 2 * copy.median + figures.beside.median


def _within_hand_off(figures: Figures, _: Spread | None) -> bool | None:
    if figures.beside is None:
        return None
    return figures.ours.median <= figures.beside.median + 20e-6


TWO_COPIES = Bar("two copies and a hand-off", _within_two_copies)
HAND_OFF = Bar("a hand-off and 20 µs", _within_hand_off)

INT = Beside("an int over the same channel", lambda _, ours: exchanges.IntOver(ours))

ECHO = "the same message back"


def _over_queue(side: Side, message: Any) -> Program:
    return exchanges.QueueEcho(side.context(), message)


def _over_pipe(side: Side, message: Any) -> Program:
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
        beside=INT,
    )


def _first(name: str, title: str, size: int) -> Row:
    return Row(
        name,
        title,
        ECHO + ", once in a fresh interpreter",
        lambda side, _: fresh.First(
            "benchmarks.first_array", side.module.__name__, side.start_method, str(size)
        ),
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
        beside=INT,
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
