"""The rows of `./bench pool`: what a pool is given to do, and what is asked of it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.pool import ThreadPool
from typing import Any

import numpy as np

from benchmarks import messages, paying, pooling, starting
from benchmarks.measuring import Bar, Beside, Row, ratio_of
from benchmarks.program import Program
from benchmarks.sides import Side

TASKS = 1000
ITEMS = 100_000


@dataclass(frozen=True)
class Job:
    """What each pool is asked to do with the data of the row, and how to tell a right answer."""

    work: Callable[[Any, Any], Any]  # given the pool and the data
    answer: Callable[[Any, Any], bool]  # given what came and the data
    units: int = 1
    workers: int | None = pooling.WORKERS  # None: one for each core

    def by(self, pool: Any, data: Any) -> Program:
        return pooling.Pooled(
            pool,
            lambda pool: self.work(pool, data),
            lambda came: self.answer(came, data),
            self.units,
        )

    def on(self, side: Side, data: Any) -> Program:
        return self.by(side.context().Pool(self.workers or pooling.cores()), data)


def _row(
    name: str,
    title: str,
    reply: str,
    job: Job,
    make: Callable[[], Any],
    beside: tuple[str, Callable[[str], Any]],
    *bars: Bar | float,
    **more: Any,
) -> Row:
    """`bars`: a Bar over stock, or how many times the third leg's time ours may take."""
    data: list[Any] = []

    def make_once() -> Any:
        data[:] = [make()]
        return data[0]

    third = Beside(beside[0], lambda start, _: job.by(beside[1](start), data[0]))
    told = tuple(bar if isinstance(bar, Bar) else third.within(bar) for bar in bars)
    return Row(name, title, reply, job.on, told, make=make_once, beside=third, **more)


EXECUTOR = (
    "ProcessPoolExecutor",
    lambda start: pooling.Executed(multiprocessing.get_context(start)),
)
THREADS = "ThreadPool", lambda start: ThreadPool(pooling.WORKERS)
LOOP = "a loop", lambda start: pooling.Serial()


def _decompositions(name: str, title: str, workers: int | None) -> Row:
    def hand_set(start: str) -> pooling.HandSet:
        cores = pooling.cores()
        counts = {1, 2, 4, 8, 16, cores, max(1, cores // (workers or cores))}
        return pooling.HandSet(workers or cores, (each for each in counts if each <= cores))

    return _row(
        f"svd-{name}",
        f"SVD of sixteen 1000x1000 matrices, {title} (S3)",
        "the sum of the singular values of each",
        Job(
            lambda pool, seeds: pool.map(pooling.decompose, seeds, 1),
            lambda came, seeds: len(came) == len(seeds) and 8_200 < min(came) <= max(came) < 8_300,
            workers=workers,
        ),
        lambda: pooling.matrices(16),
        ("the best OMP_NUM_THREADS", hand_set),
        1.05,
        most_rounds=3,
    )


def _start(name: str, title: str, least: float, method: str, *preloaded: str) -> Row:
    return Row(
        f"start-{name}",
        f"start and join a process, {title}",
        "the end of a process that does nothing",
        lambda side, _: starting.Starts(side.module, method, *preloaded),
        (ratio_of(least),),
    )


ROWS = (
    _row(
        "apply",
        "apply of nothing",
        "the result of one task",
        Job(lambda pool, _: pool.apply(pooling.nothing, (0,)), lambda came, _: came is None),
        lambda: None,
        EXECUTOR,
        ratio_of(8),
    ),
    _row(
        "map-1",
        "map of nothing, chunksize 1, each",
        f"the list of {TASKS:,} results",
        Job(
            lambda pool, items: pool.map(pooling.nothing, items, 1),
            lambda came, items: came == items,
            TASKS,
        ),
        lambda: [None] * TASKS,
        EXECUTOR,
        ratio_of(8),
    ),
    _row(
        "imap",
        "imap of nothing, each",
        f"the last of {TASKS:,} results",
        Job(
            lambda pool, items: list(pool.imap(pooling.nothing, items)),
            lambda came, items: came == items,
            TASKS,
        ),
        lambda: [None] * TASKS,
        THREADS,
        ratio_of(6),
    ),
    _row(
        "map",
        "map of nothing, default chunks, each",
        f"the list of {ITEMS:,} results",
        Job(
            lambda pool, items: pool.map(pooling.nothing, items),
            lambda came, items: came == items,
            ITEMS,
        ),
        lambda: [None] * ITEMS,
        LOOP,
        ratio_of(1),
    ),
    _row(
        "reverse",
        "seven lists of 100,000 ints reversed (S1)",
        "the reversed lists",
        Job(
            lambda pool, lists: pool.map(pooling.reverse, lists),
            lambda came, lists: came == [each[::-1] for each in lists],
        ),
        lambda: [list(range(n, n + 100_000)) for n in range(7)],
        LOOP,
        ratio_of(3),
    ),
    _row(
        "arrays-in",
        "eight 8 MB arrays in",
        "the first element of each",
        Job(
            lambda pool, arrays: pool.map(pooling.first_of, arrays, 1),
            lambda came, arrays: came == [float(each[0]) for each in arrays],
        ),
        lambda: [messages.array(8 * messages.MB) for _ in range(8)],
        THREADS,
        ratio_of(10),
        memory=messages.GB,
    ),
    _row(
        "arrays-out",
        "eight 8 MB arrays out",
        "the arrays",
        Job(
            lambda pool, counts: pool.map(pooling.ones, counts, 1),
            lambda came, counts: all(
                messages.same(np.ones(count), each) for count, each in zip(counts, came)
            ),
        ),
        lambda: [1_000_000] * 8,
        THREADS,
        ratio_of(15),
        memory=messages.GB,
    ),
    _row(
        "products",
        "four 1000x1000 products, 100 each (S3)",
        "the trace of each",
        Job(
            lambda pool, matrices: pool.map(pooling.products, matrices, 1),
            lambda came, matrices: np.allclose(came, [(m @ m).trace() for m in matrices]),
        ),
        lambda: [np.random.default_rng(seed).random((1000, 1000)) for seed in range(4)],
        LOOP,
        1.0,
        most_rounds=5,
    ),
    _decompositions("1", "one worker", 1),
    _decompositions("2", "two workers", 2),
    _decompositions("all", "a worker for each core", None),
    _start("fork", "fork", 1, "fork"),
    _start("forkserver", "forkserver", 3, "forkserver"),
    _start("forkserver-numpy", "NumPy preloaded", 4, "forkserver", "numpy"),
    _start("spawn", "spawn", 1, "spawn"),
)

NAMES = (*(row.name for row in ROWS), paying.NAME)
