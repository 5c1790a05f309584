"""The programs of `./bench pool`: what a pool is given to do, and what starts a process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from benchmarks.program import Program, WrongAnswerError

WORKERS = 2


def nothing(item: Any) -> None:
    pass


def reverse(items: list[int]) -> list[int]:
    return items[::-1]


def first_of(array: Any) -> float:
    return float(array[0])


def ones(count: int) -> Any:
    import numpy

    return numpy.ones(count)


def products(matrix: Any, count: int = 10) -> float:
    """The trace of the last of so many products."""
    product = matrix
    for _ in range(count):
        product = matrix @ matrix
    return float(product.trace())


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


class Starts(Program):
    """A process that does nothing, started and joined."""

    def __init__(self, context: Any) -> None:
        super().__init__()
        self.context = context

    def check(self) -> None:
        process = self.context.Process(target=nothing, args=(0,))
        process.start()
        process.join()
        if process.exitcode != 0:
            raise WrongAnswerError(f"exit code {process.exitcode}")

    def run(self, calls: int) -> float:
        begin = time.perf_counter()
        for _ in range(calls):
            self.check()
        return time.perf_counter() - begin
