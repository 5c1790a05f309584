"""The rows of `./bench shared`: what is done to locks and shared data, and what is asked of it."""

from __future__ import annotations

import array
import multiprocessing
from collections.abc import Callable
from typing import Any

from benchmarks import footprint, fresh, growth, messages, sharing
from benchmarks.measuring import Beside, Row, ratio_of
from benchmarks.program import Program
from benchmarks.sides import Side

FILLED_BY_EACH = 100_000  # as many as examples/s4_random_numbers.py has by default
OF_8_MB = 1_000_000
OF_A_SLICE = 100_000

UNLOCKED = Beside(
    "stock with lock=False",
    lambda start, _: sharing.Fill(
        multiprocessing.get_context(start), 4, FILLED_BY_EACH, lock=False
    ),
)


def _element(name: str, title: str, work: Any) -> Row:
    start = [1.5] * sharing.EACH

    def open_array_array(method: str, _: Any) -> Program:
        context = multiprocessing.get_context(method)
        return sharing.Elements(context, work, 1, array.array("d", start))

    def open_side(side: Side, _: Any) -> Program:
        context = side.context()
        return sharing.Elements(context, work, 1, context.Array("d", start))

    beside = Beside("array.array", open_array_array)
    return Row(
        name,
        title,
        "a loop over the elements in one process, the loop's own cost included",
        open_side,
        (ratio_of(9), beside.within(1.3)),
        beside=beside,
    )


def _lock(name: str, title: str, processes: int, least: float) -> Row:
    return Row(
        name,
        title,
        f"a loop of `with lock: pass` in {processes} process{'es' if processes > 1 else ''}, "
        "elapsed time over the rounds of all",
        lambda side, _: sharing.Locks(side.context(), processes),
        (ratio_of(least),),
    )


def _slice(name: str, title: str, open_: Callable[[Any, list[float]], Program]) -> Row:
    return Row(
        name,
        title,
        "a loop in one process",
        lambda side, numbers: open_(side.context(), numbers),
        (ratio_of(1.3),),
        make=lambda: messages.floats(OF_A_SLICE, 1),
    )


# The array is written to outside the time of each call, which takes longer than many a creation.
MOST_CREATIONS = 20

ROWS = (
    Row(
        "fill",
        "four processes fill a locked Array (S4)",
        f"all {4 * FILLED_BY_EACH:,} elements, a random number made and set for each",
        lambda side, _: sharing.Fill(side.context(), 4, FILLED_BY_EACH),
        (ratio_of(7), UNLOCKED.within(1.2)),
        beside=UNLOCKED,
    ),
    _element("element-set", "one element set, locked Array", sharing.set_elements),
    _element("element-get", "one element get, locked Array", sharing.get_elements),
    Row(
        "count",
        "two processes count in one Value, per count",
        "a loop of `with v.get_lock(): v.value += 1` in 2 processes, elapsed time over the counts "
        "of both",
        lambda side, _: sharing.Count(side.context(), 2),
        (ratio_of(3.5),),
    ),
    _lock("lock", "lock and unlock, uncontended", 1, 0.9),
    _lock("lock-2", "lock and unlock, contended by 2", 2, 2),
    _lock("lock-8", "lock and unlock, contended by 8", 8, 2),
    Row(
        "create",
        "create an 8 MB Array, again",
        "the new Array; the one before was written all over and dropped, neither timed",
        lambda side, _: sharing.Creation(side.context(), OF_8_MB),
        (ratio_of(5),),
        most_calls=MOST_CREATIONS,
    ),
    Row(
        "create-use-drop",
        "create, write and drop an 8 MB Array",
        "the end of all three: what creation leaves for later shows here",
        lambda side, _: sharing.Creation(side.context(), OF_8_MB, timed_to_the_end=True),
        (),
        most_calls=MOST_CREATIONS,
    ),
    Row(
        "create-first",
        "the first 8 MB Array of a program",
        "the Array, once in a fresh interpreter, what is imported for it included",
        lambda side, _: fresh.First(
            "benchmarks.first_creation", side.module.__name__, side.start_method, str(OF_8_MB)
        ),
        (ratio_of(1),),
        most_calls=1,
    ),
    _slice("slice-set", f"set a whole slice of {OF_A_SLICE:,} floats", sharing.SetSlice),
    _slice("slice-get", f"get a whole slice of {OF_A_SLICE:,} floats", sharing.GetSlice),
    Row(
        "managed-dict",
        "set an item of a Manager().dict()",
        "the manager's answer",
        lambda side, _: sharing.ManagedDict(side.context()),
        (ratio_of(1.5),),
    ),
)

NAMES = (*(row.name for row in ROWS), *(grows.name for grows in growth.ALL), footprint.NAME)
