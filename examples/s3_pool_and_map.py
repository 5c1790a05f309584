"""Work without any input and output, by map and by a Pool, on all cores and on one.

  elements   integer matrices, each multiplied element by element by itself, many times over;
  fibonacci  lists of Fibonacci numbers, made in plain Python;
  products   float matrices as lists of lists, multiplied element by element in plain Python.

A process inherits the set of cores on which its parent may run. Where a library has narrowed that
of the parent, as some have done when they were imported, all workers share one core. So each work
is done by map and by two Pools, and the workers tell how many cores they see:

  narrowed   the parent may run on one core when it makes the Pool;
  reset      the set has been put right in the parent, and in each worker as well: the forkserver
             keeps what it inherited when it started, and hands that on.

    python s3_pool_and_map.py
    python s3_pool_and_map.py --size 1000000 --rounds 100 --workers 8
    python s3_pool_and_map.py --works fibonacci --start spawn
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import sys
import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from multiprocessing.context import DefaultContext
    from multiprocessing.pool import Pool
    from multiprocessing.synchronize import Barrier
    from typing import Any, Callable

    from numpy.typing import NDArray

    InPool = tuple[list[Any], float, set[int]]
    Progress = Callable[[], None]

MODULUS = 2**64  # so that a list of Fibonacci numbers has the size of a list of numbers


# What is done to one item. The rounds of `elements` are what makes the work outweigh the trip.


def multiply_elements(item: tuple[NDArray[Any], int]) -> int:
    matrix, rounds = item
    product = matrix
    for _ in range(rounds):
        product = product * matrix
    return int(product.sum())


def fibonacci_list(item: tuple[int, int]) -> int:
    size, rounds = item
    for _ in range(rounds):
        numbers = [0, 1]
        while len(numbers) < size:
            numbers.append((numbers[-1] + numbers[-2]) % MODULUS)
    return numbers[size - 1]


def multiply_lists(item: tuple[list[list[float]], int]) -> float:
    rows, rounds = item
    for _ in range(rounds):
        product = [[number * number for number in row] for row in rows]
    return math.fsum(map(math.fsum, product))


# Their items.


def matrices(options: argparse.Namespace) -> list[tuple[NDArray[Any], int]]:
    side = math.isqrt(options.size)
    generator = np.random.default_rng(options.seed)
    # Odd, because powers of even numbers soon are 0 in 64 bits.
    return [(2 * generator.integers(0, 50, (side, side)) + 1, options.rounds) for _ in range(4)]


def sizes(options: argparse.Namespace) -> list[tuple[int, int]]:
    # Of different lengths, so that a result that came back in another's place would show.
    return [(options.size + number, options.rounds) for number in range(10)]


def lists_of_lists(options: argparse.Namespace) -> list[tuple[list[list[float]], int]]:
    side = math.isqrt(options.size)
    generator = np.random.default_rng(options.seed)
    return [(generator.random((side, side)).tolist(), options.rounds) for _ in range(10)]


WORKS: dict[str, tuple[Callable[[Any], Any], Callable[[argparse.Namespace], list[Any]]]] = {
    "elements": (multiply_elements, matrices),
    "fibonacci": (fibonacci_list, sizes),
    "products": (multiply_lists, lists_of_lists),
}


def start(barrier: Barrier, cores: set[int] | None) -> None:
    if cores:
        os.sched_setaffinity(0, cores)
    barrier.wait()


def cores_seen(_: int) -> int:
    return len(os.sched_getaffinity(0))


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    begin = time.perf_counter()
    result = function(*arguments)
    return result, time.perf_counter() - begin


def results_of(
    pool: Pool, work: Callable[[Any], Any], items: list[Any], progress: Progress
) -> list[Any]:
    result = pool.map_async(work, items, chunksize=1)
    while not result.ready():
        result.wait(1)
        progress()
    return result.get()


def by_pool(
    context: DefaultContext,
    workers: int,
    cores: set[int] | None,
    work: Callable[[Any], Any],
    items: list[Any],
    progress: Progress,
) -> InPool:
    """Returns the results, the seconds without the making of the Pool, and the cores seen."""
    barrier = context.Barrier(workers + 1)
    with context.Pool(workers, start, (barrier, cores)) as pool:
        barrier.wait()  # until all have started: not timed
        seen = set(pool.map(cores_seen, range(4 * workers), chunksize=1))
        results, seconds = timed(results_of, pool, work, items, progress)
    return results, seconds, seen


def with_narrowed_set(context: DefaultContext, workers: int, cores: set[int], *job: Any) -> InPool:
    os.sched_setaffinity(0, {min(cores)})
    try:
        return by_pool(context, workers, None, *job)
    finally:
        os.sched_setaffinity(0, cores)


def with_set_put_right(context: DefaultContext, workers: int, cores: set[int], *job: Any) -> InPool:
    return by_pool(context, workers, cores, *job)


# Each with the number of cores that its workers must see.
WAYS: dict[str, tuple[Callable[..., InPool], Callable[[set[int]], int]]] = {
    "narrowed": (with_narrowed_set, lambda cores: 1),
    "reset": (with_set_put_right, len),
}


def progress_line(label: str) -> Progress:
    """Returns a function that says, on stderr, that we still wait; only when it takes long."""
    on_terminal = sys.stderr.isatty()
    interval = 1 if on_terminal else 10
    begin = last_shown = time.monotonic()

    def show() -> None:
        nonlocal last_shown
        now = time.monotonic()
        if now - last_shown >= interval:
            last_shown = now
            end = "\r" if on_terminal else "\n"
            print(f"{label}: {now - begin:.0f} s so far", end=end, file=sys.stderr, flush=True)

    return show


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Times map and Pools, with all cores and with one, on work without waiting."
    )
    parser.add_argument(
        "--size",
        type=positive,
        default=100_000,
        help="elements of a matrix, which is square, and numbers of a list (100000)",
    )
    parser.add_argument("--rounds", type=positive, default=5, help="of the work on an item (5)")
    parser.add_argument("--workers", type=positive, default=4, help="workers of a Pool (4)")
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--works", nargs="+", choices=list(WORKS), default=list(WORKS))
    parser.add_argument("--seed", type=int, default=1, help="of the matrices (1)")
    parser.add_argument(
        "--start",
        choices=multiprocessing.get_all_start_methods(),
        help="how processes are started (the interpreter's default)",
    )
    options = parser.parse_args()
    context = multiprocessing.get_context(options.start)
    cores = os.sched_getaffinity(0)

    for name in options.works:
        work, make_items = WORKS[name]
        items = make_items(options)
        expected, seconds = timed(list, map(work, items))
        print(f"answer: {name}: {len(items)} items, the last gives {expected[-1]!r}")
        print(f"time:   {name}: map {seconds:.3f} s", flush=True)

        for way in options.ways:
            in_pool, cores_to_see = WAYS[way]
            progress = progress_line(f"{name}, {way}")
            results, seconds, seen = in_pool(context, options.workers, cores, work, items, progress)
            print(f"answer: {name}, {way}: the workers see {sorted(seen)} of {len(cores)} cores")
            print(f"time:   {name}, {way}: Pool({options.workers}) {seconds:.3f} s", flush=True)
            if results != expected:
                print(f"WRONG: {name}, {way}: the Pool found {results}", file=sys.stderr)
                return 1
            if seen != {cores_to_see(cores)}:
                print(f"WRONG: {name}, {way}: the workers see {seen} cores", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
