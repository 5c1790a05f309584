"""Lists reversed by a loop, by map and by a Pool, and where the reversed lists are then.

The function that all call reverses its list in place and returns nothing. It is called

  loop       for one list after the other;
  map        by the map that Python has built in;
  processes  in one Process for each list;
  pool       by Pool.map;
  returned   by Pool.map too, but this function returns its list as well;
  manager    by Pool.map, on proxies of lists that live in the process of a Manager.

What goes to another process is a value: it gets a list that is equal, and never the list itself.
So `processes` and `pool` reverse copies that nobody sees, and the caller's lists stay as they were.
Whoever wants the result must have it sent back, or keep the lists where all can ask for them.

    python s1_pool_and_loop.py
    python s1_pool_and_loop.py --size 1000000 --workers 2 --start spawn
    python s1_pool_and_loop.py --ways loop pool --repeats 20
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import statistics
import sys
import time
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from collections.abc import MutableSequence
    from multiprocessing.context import DefaultContext
    from multiprocessing.pool import Pool

    Lists = list[list[int]]
    Work = Callable[[Lists], Lists]
    Found = tuple[Lists, float]
    Timed = Callable[[Work], Found]
    Progress = Callable[[int], None]


def reverse(numbers: MutableSequence[int]) -> None:
    numbers.reverse()


def reverse_and_return(numbers: list[int]) -> list[int]:
    numbers.reverse()
    return numbers


# Each way is a function that does its preparations, has `timed` call what it does to the lists,
# and returns what that returned: the caller's lists as they are then, and the seconds.


class ChildFailedError(Exception):
    pass


def by_loop(context: DefaultContext, workers: int, timed: Timed) -> Found:
    def work(lists: Lists) -> Lists:
        for numbers in lists:
            reverse(numbers)
        return lists

    return timed(work)


def by_map(context: DefaultContext, workers: int, timed: Timed) -> Found:
    def work(lists: Lists) -> Lists:
        list(map(reverse, lists))  # the list makes it happen: map alone only promises to
        return lists

    return timed(work)


def by_processes(context: DefaultContext, workers: int, timed: Timed) -> Found:
    def work(lists: Lists) -> Lists:
        processes = [
            context.Process(target=reverse, args=(numbers,), daemon=True) for numbers in lists
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
            if process.exitcode != 0:
                raise ChildFailedError(f"{process.name} ended with exit code {process.exitcode}")
        return lists

    return timed(work)


def started_pool(context: DefaultContext, workers: int) -> Pool:
    """A Pool of which all workers have started: how long that takes is not counted."""
    barrier = context.Barrier(workers + 1)
    pool = context.Pool(workers, barrier.wait)
    barrier.wait()
    return pool


def by_pool(context: DefaultContext, workers: int, timed: Timed) -> Found:
    def work(lists: Lists) -> Lists:
        pool.map(reverse, lists)
        return lists

    with started_pool(context, workers) as pool:
        return timed(work)


def by_pool_that_returns(context: DefaultContext, workers: int, timed: Timed) -> Found:
    with started_pool(context, workers) as pool:
        return timed(lambda lists: pool.map(reverse_and_return, lists))


def by_manager(context: DefaultContext, workers: int, timed: Timed) -> Found:
    def work(lists: Lists) -> Lists:
        proxies = [manager.list(numbers) for numbers in lists]
        pool.map(reverse, proxies)
        return [proxy[:] for proxy in proxies]

    with context.Manager() as manager, started_pool(context, workers) as pool:
        return timed(work)


WAYS = {
    "loop": by_loop,
    "map": by_map,
    "processes": by_processes,
    "pool": by_pool,
    "returned": by_pool_that_returns,
    "manager": by_manager,
}
COPIES_REVERSED = {"processes", "pool"}  # and the caller's lists not


def progress_line(label: str, repeats: int) -> Progress:
    """Returns a function that shows how far we are, on stderr, and only when it takes long."""
    on_terminal = sys.stderr.isatty()
    interval = 1 if on_terminal else 10
    last_shown = time.monotonic()

    def show(done: int) -> None:
        nonlocal last_shown
        now = time.monotonic()
        if now - last_shown >= interval:
            last_shown = now
            end = "\r" if on_terminal and done < repeats else "\n"
            print(f"{label}: {done} of {repeats} repeats", end=end, file=sys.stderr, flush=True)

    return show


def repeated(originals: Lists, repeats: int, progress: Progress) -> Timed:
    """Returns a function that does some work on fresh copies of the lists, and times it."""

    def timed(work: Work) -> Found:
        seconds = []
        for repeat in range(repeats):
            lists = [list(numbers) for numbers in originals]
            begin = time.perf_counter()
            found = work(lists)
            seconds.append(time.perf_counter() - begin)
            progress(repeat + 1)
        return found, statistics.median(seconds)

    return timed


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Times lists reversed in place by a loop, by map, and in other processes."
    )
    parser.add_argument("--size", type=positive, default=100_000, help="ints in a list (100000)")
    parser.add_argument("--lists", type=positive, default=7, help="how many lists (7)")
    parser.add_argument("--workers", type=positive, default=4, help="workers of a Pool (4)")
    parser.add_argument(
        "--repeats", type=positive, default=3, help="of each way; the median is shown (3)"
    )
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--seed", type=int, default=1, help="of the random ints (1)")
    parser.add_argument(
        "--start",
        choices=multiprocessing.get_all_start_methods(),
        help="how processes are started (the interpreter's default)",
    )
    options = parser.parse_args()
    context = multiprocessing.get_context(options.start)
    generator = random.Random(options.seed)
    originals = [
        [generator.randrange(1_000_000) for _ in range(options.size)] for _ in range(options.lists)
    ]
    reversals = [numbers[::-1] for numbers in originals]

    print(f"time:   {options.workers} workers, and cpu_count() is {multiprocessing.cpu_count()}")
    seconds_of = {}
    for way in options.ways:
        timed = repeated(originals, options.repeats, progress_line(way, options.repeats))
        try:
            lists, seconds = WAYS[way](context, options.workers, timed)
        except ChildFailedError as error:
            print(f"FAILED: {way}: {error}", file=sys.stderr)
            return 1

        seconds_of[way] = seconds
        state = "as they were" if way in COPIES_REVERSED else "reversed"
        if lists != (originals if way in COPIES_REVERSED else reversals):
            print(f"WRONG: {way}: the caller's lists are not {state}", file=sys.stderr)
            return 1
        print(
            f"answer: {way}: {len(lists)} lists of {options.size} are {state} at the caller, "
            f"the first begins with {lists[0][:3]}"
        )
        print(f"time:   {way}: {seconds:.6f} s", flush=True)

    if "loop" in seconds_of and "pool" in seconds_of:
        work = seconds_of["loop"] / options.lists * 1000
        pooled = seconds_of["pool"] / options.lists * 1000
        print(
            f"time:   {pooled:.3f} ms a list in the Pool, {work:.3f} ms in the loop: a Pool pays "
            "where the work takes longer than the trip"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
