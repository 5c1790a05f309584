"""On which processors the workers of a pool run."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from operator import index

from . import _math_threads, _narrowing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Union

    Processors = frozenset[int]

    # A worker's processors, and how many threads it gives to linear algebra. A tuple, since it is
    # unpickled before anything of this package is there.
    Share = tuple[Processors, int]

    Cpus = Union[Iterable[int], Iterable[Iterable[int]]]

_MANY = 1 << 20  # processors


class Placement:
    """Which of the processors each worker of a pool uses: all of them the same, or each a set of
    its own."""

    def __init__(self, cpus: Cpus | None) -> None:
        """`cpus` as `Pool` has it. ValueError and TypeError say what is wrong with it."""
        from . import _engine

        usable = frozenset(_narrowing.usable()) or frozenset(range(os.cpu_count() or 1))
        self._sets = [usable] if cpus is None else _sets_of(cpus, usable)
        self._quota = _engine.processor_quota()

    def workers(self) -> int:
        """How many use them well."""
        if len(self._sets) > 1:
            return len(self._sets)
        return max(1, math.ceil(min(len(self._sets[0]), self._quota)))

    def share(self, seat: int, workers: int) -> Share:
        """Of the worker with this number, from 0 on, of so many."""
        kind, kinds = seat % len(self._sets), len(self._sets)
        processors = self._sets[kind]
        threads = len(processors) // len(range(kind, workers, kinds))  # of those with this set
        allowed = math.ceil(min(self._quota, _MANY)) // workers
        return processors, max(1, min(threads, allowed))


def _sets_of(cpus: Any, usable: Processors) -> list[Processors]:
    try:
        given = list(cpus)
        if given and all(hasattr(each, "__iter__") for each in given):
            sets = [frozenset(map(index, each)) for each in given]
        else:
            sets = [frozenset(map(index, given))]
    except TypeError:
        raise TypeError(
            "cpus must be numbers of processors, such as {0, 1}, or such a set for each worker,"
            f" not {cpus!r}"
        ) from None
    if not all(sets):
        raise ValueError(f"cpus must name a processor for each worker, and is {cpus!r}")
    missing = frozenset().union(*sets) - usable
    if missing:
        said = f"cpus names processor {min(missing)}, and this process may use {_in_words(usable)}"
        raise ValueError(said)
    return sets


def _in_words(processors: Processors) -> str:
    """As taskset has them: "0-3,8"."""
    ranges: list[list[int]] = []
    for number in sorted(processors):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in ranges)


def use(share: Share) -> None:
    """In a worker, before it imports anything: what is its part of the processors. It runs on
    these, and keeps no more of them busy with linear algebra."""
    processors, math_threads = share
    _narrowing.undo()
    with suppress(OSError):  # they are gone by now, or nobody may say
        os.sched_setaffinity(0, processors)
    _math_threads.limit(math_threads)
