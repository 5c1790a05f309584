"""The programs of `./bench pool`: what a pool is given to do."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.program import Program, WrongAnswerError

WORKERS = 2

# Of OpenMP, which all libraries of linear algebra heed, and what would win over it.
THREADS = "OMP_NUM_THREADS"
OTHERS = "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"


def cores() -> int:
    """How many this process, and what it starts, runs on."""
    return len(os.sched_getaffinity(0))


def nothing(item: Any) -> None:
    pass


def reverse(items: list[int]) -> list[int]:
    return items[::-1]


def first_of(array: Any) -> float:
    return float(array[0])


def ones(count: int) -> Any:
    import numpy

    return numpy.ones(count)


def products(matrix: Any, count: int = 100) -> float:
    """The trace of the last of so many products."""
    product = matrix
    for _ in range(count):
        product = matrix @ matrix
    return float(product.trace())


def decompose(seed: int) -> float:
    """The sum of the singular values of a matrix of 1000x1000, whose vectors are computed too."""
    import numpy

    _, values, _ = numpy.linalg.svd(numpy.random.default_rng(seed).random((1000, 1000)))
    return float(values.sum())


def matrices(count: int) -> list[int]:
    """Their seeds. ValueError where the user has said how many threads are to work on them."""
    for variable in (THREADS, *OTHERS):
        if variable in os.environ:
            raise ValueError(f"{variable} is set: this row compares what comes without")
    return list(range(count))


class Pooled(Program):
    """A pool, or whatever else has its methods, that does `work` and answers `answer`."""

    def __init__(
        self, pool: Any, work: Callable[[Any], Any], answer: Callable[[Any], bool], units: int = 1
    ) -> None:
        super().__init__()
        self.pool = pool
        self.work = work
        self.answer = answer
        self.units = units

    def check(self) -> None:
        if not self.answer(self.work(self.pool)):
            raise WrongAnswerError("the pool gave something else")

    def run(self, calls: int) -> float:
        work, pool = self.work, self.pool
        begin = time.perf_counter()
        for _ in range(calls):
            work(pool)
        return time.perf_counter() - begin

    def stop(self) -> None:
        self.pool.terminate()
        self.pool.join()

    abandon = stop


class Serial:
    """The methods of a pool, done in this process by a loop."""

    def apply(self, function: Callable[..., Any], arguments: Any = ()) -> Any:
        return function(*arguments)

    def map(self, function: Callable[..., Any], items: Any, chunksize: int | None = None) -> Any:
        return list(map(function, items))

    imap = map

    def terminate(self) -> None:
        pass

    join = terminate


class Executed:
    """The methods of a pool, by an executor of concurrent.futures."""

    def __init__(self, context: Any) -> None:
        from concurrent.futures import ProcessPoolExecutor

        self.executor = ProcessPoolExecutor(WORKERS, context)

    def apply(self, function: Callable[..., Any], arguments: Any = ()) -> Any:
        return self.executor.submit(function, *arguments).result()

    def map(self, function: Callable[..., Any], items: Any, chunksize: int | None = None) -> Any:
        return list(self.executor.map(function, items, chunksize=chunksize or 1))

    imap = map

    def terminate(self) -> None:
        self.executor.shutdown()

    def join(self) -> None:
        pass


class HandSet:
    """The methods of stock's pool, with the number of threads in each worker set by hand: that of
    `counts` with which the first work is done soonest."""

    def __init__(self, workers: int, counts: Iterable[int]) -> None:
        self.workers = workers
        self.counts = sorted(counts)
        self.pool: Any = None

    def map(self, function: Callable[..., Any], items: Any, chunksize: int | None = None) -> Any:
        if self.pool is None:
            self._choose(function, items, chunksize)
        return self.pool.map(function, items, chunksize)

    def _choose(self, *work: Any) -> None:
        least = float("inf")
        for count in self.counts:
            pool = self._start(count)
            pool.map(*work)  # what is loaded at first is no part of it
            begin = time.perf_counter()
            pool.map(*work)
            seconds = time.perf_counter() - begin
            if seconds < least:
                least, self.pool, pool = seconds, pool, self.pool
            if pool is not None:
                pool.terminate()
                pool.join()

    def _start(self, count: int) -> Any:
        # Spawned, since what is read from the environment is read when NumPy is imported.
        os.environ[THREADS] = str(count)
        try:
            return multiprocessing.get_context("spawn").Pool(self.workers)
        finally:
            del os.environ[THREADS]

    def terminate(self) -> None:
        if self.pool is not None:
            self.pool.terminate()

    def join(self) -> None:
        if self.pool is not None:
            self.pool.join()
