"""Singular value decompositions by several workers, of which each has several BLAS threads.

BLAS, which NumPy calls for its linear algebra, has threads of its own. How many is read from the
environment when NumPy is imported. It must therefore be set before a worker starts, and the worker
must be spawned: one that is forked has the NumPy of its parent, and a forkserver hands on the
environment that it started with. For each number of workers and threads it is shown how long the
decompositions take, and, as /usr/bin/time does, how busy the processor was, the peak memory of the
workers and their minor page faults.

    python s3_blas_threads.py
    python s3_blas_threads.py --size 1000000 --matrices 16 --workers 1 2 4 --threads 1 4
"""

from __future__ import annotations

import argparse
import contextlib
import math
import multiprocessing
import os
import resource
import sys
import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import DefaultContext
    from typing import Callable

    # Seconds of processor time, process id, bytes, page faults, threads.
    Usage = tuple[float, int, int, int, int]
    Answer = tuple[float, bool, Usage]
    Progress = Callable[[int], None]

# Of OpenMP, and of the BLAS libraries that have a variable of their own.
VARIABLES = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"]


# The workers' side.


def decompose(item: tuple[int, int]) -> Answer:
    """Returns the sum of the singular values, whether u, s and v are right, and what it took."""
    seed, side = item
    before = processor_time()
    matrix = np.random.default_rng(seed).random((side, side))
    u, s, v = np.linalg.svd(matrix)
    right = bool(np.allclose((u * s) @ v, matrix))
    return float(s.sum()), right, (processor_time() - before, *used_so_far())


def processor_time() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def used_so_far() -> tuple[int, int, int, int]:
    """This process: its id, most bytes of memory, minor page faults, and threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    threads = len(os.listdir("/proc/self/task"))
    return os.getpid(), usage.ru_maxrss * 1024, usage.ru_minflt, threads


# The parent's side.


@contextlib.contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """Lets the processes that are spawned meanwhile have so many BLAS threads."""
    before = {name: os.environ.get(name) for name in VARIABLES}
    os.environ.update(dict.fromkeys(VARIABLES, str(count)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def decompose_all(
    context: DefaultContext,
    workers: int,
    threads: int,
    items: list[tuple[int, int]],
    progress: Progress,
) -> tuple[list[Answer], float]:
    """Returns what was found, in the order of the items, and the seconds."""
    barrier = context.Barrier(workers + 1)
    with blas_threads(threads), context.Pool(workers, barrier.wait) as pool:
        barrier.wait()  # until all have started: not timed
        found = []
        begin = time.perf_counter()
        for one in pool.imap(decompose, items):
            found.append(one)
            progress(len(found))
        seconds = time.perf_counter() - begin
    return found, seconds


def sum_up(usages: list[Usage], seconds: float) -> str:
    """What all workers together used, in words."""
    processor = sum(usage[0] for usage in usages)
    # Of each worker the last that it told: memory and page faults only grow.
    workers: dict[int, list[int]] = {}
    for _, worker, *used in usages:
        workers[worker] = max(workers.get(worker, []), used)
    peaks, faults, threads = zip(*workers.values())
    return (
        f"{processor / seconds:.0%} CPU, peak memory {sum(peaks) / 1e6:.0f} MB and {sum(faults)} "
        f"minor page faults in all workers, up to {max(threads)} threads in one"
    )


def progress_line(label: str, count: int) -> Progress:
    """Returns a function that shows how far we are, on stderr, and only when it takes long."""
    on_terminal = sys.stderr.isatty()
    interval = 1 if on_terminal else 10
    last_shown = time.monotonic()

    def show(done: int) -> None:
        nonlocal last_shown
        now = time.monotonic()
        if now - last_shown >= interval:
            last_shown = now
            end = "\r" if on_terminal and done < count else "\n"
            print(f"{label}: {done} of {count} matrices", end=end, file=sys.stderr, flush=True)

    return show


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Times singular value decompositions by workers with several BLAS threads."
    )
    parser.add_argument(
        "--size",
        type=positive,
        default=100_000,
        help="elements of a matrix, which is square (100000)",
    )
    parser.add_argument("--matrices", type=positive, default=8, help="how many (8)")
    parser.add_argument(
        "--workers", type=positive, nargs="+", default=[1, 2], help="numbers of workers (1 2)"
    )
    parser.add_argument(
        "--threads", type=positive, nargs="+", default=[1, 2], help="BLAS threads of each (1 2)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the matrices (1)")
    parser.add_argument(
        "--start",
        choices=multiprocessing.get_all_start_methods(),
        default="spawn",
        help="how processes are started (spawn)",
    )
    options = parser.parse_args()
    context = multiprocessing.get_context(options.start)
    side = math.isqrt(options.size)
    items = [(options.seed + number, side) for number in range(options.matrices)]

    expected = None
    for threads in options.threads:
        for workers in options.workers:
            label = f"{workers} workers of {threads} threads"
            progress = progress_line(label, options.matrices)
            found, seconds = decompose_all(context, workers, threads, items, progress)

            sums = [total for total, _, _ in found]
            print(
                f"answer: {label}: the singular values of {len(sums)} matrices of {side}x{side} "
                f"add up to {math.fsum(sums):.6g}"
            )
            usages = [usage for _, _, usage in found]
            print(f"time:   {label}: {seconds:.3f} s, {sum_up(usages, seconds)}", flush=True)
            if not all(right for _, right, _ in found):
                print(f"WRONG: {label}: u, s and v do not make up the matrix", file=sys.stderr)
                return 1
            # Not to the last digit: that depends on how the threads share the work.
            if expected and not np.allclose(sums, expected):
                print(f"WRONG: {label}: the sums are {sums}, and were {expected}", file=sys.stderr)
                return 1
            expected = sums
    return 0


if __name__ == "__main__":
    sys.exit(main())
