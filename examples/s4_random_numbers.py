"""Random numbers made by several processes, and three ways to bring them home.

Every process makes as many random doubles as --size says. They come back

  queues     as one list for each process, over a Queue of its own;
  locked     written one by one into one shared Array, which takes its lock for every element;
  own-lock   the same with a plain Lock of ours in place of the Array's RLock;
  unlocked   written one by one into one shared Array without a lock. That is safe here because
             every process writes its own part, and nobody reads before all have finished.

    python s4_random_numbers.py
    python s4_random_numbers.py --size 1000000 --start spawn
    python s4_random_numbers.py --ways locked own-lock unlocked
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import queue
import random
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.context import DefaultContext, Process
    from multiprocessing.queues import Queue
    from typing import Any, Callable

    Lists = list[list[float]]
    Progress = Callable[[], None]


def random_numbers(seed: int, part: int, size: int) -> list[float]:
    """The numbers of one process: its own stream, the same on every run."""
    generator = random.Random(seed * 1_000_003 + part)
    return [generator.random() for _ in range(size)]


# The children's side.


def send_list(results: Queue[list[float]], seed: int, part: int, size: int) -> None:
    results.put(random_numbers(seed, part, size))


def write_one_by_one(shared: Any, seed: int, part: int, size: int) -> None:
    generator = random.Random(seed * 1_000_003 + part)
    first = part * size
    for index in range(first, first + size):
        shared[index] = generator.random()


# The parent's side: each way returns the numbers of every process, in order. The children are
# daemons, so that none is left behind when one of them fails.


class ChildFailedError(Exception):
    pass


def receive(results: Queue[list[float]], process: Process, progress: Progress) -> list[float]:
    """Waits for the one list of a process, and notices when that process is gone instead."""
    while True:
        alive = process.is_alive()
        try:
            return results.get(timeout=1)
        except queue.Empty:
            if not alive:
                raise ChildFailedError(f"{process.name} ended without a result") from None
            progress()


def join_all(processes: list[Process], progress: Progress) -> None:
    for process in processes:
        while process.is_alive():
            process.join(timeout=1)
            progress()
        if process.exitcode != 0:
            raise ChildFailedError(f"{process.name} ended with exit code {process.exitcode}")


def over_queues(
    context: DefaultContext, seed: int, parts: int, size: int, progress: Progress
) -> Lists:
    queues = [context.Queue() for _ in range(parts)]
    processes = [
        context.Process(target=send_list, args=(queues[part], seed, part, size), daemon=True)
        for part in range(parts)
    ]
    for process in processes:
        process.start()
    # Receive before joining: a child can end only when its Queue has been emptied.
    lists = [receive(*pair, progress) for pair in zip(queues, processes)]
    join_all(processes, progress)
    return lists


def over_array(
    shared: Any,
    context: DefaultContext,
    seed: int,
    parts: int,
    size: int,
    progress: Progress,
) -> Lists:
    processes = [
        context.Process(target=write_one_by_one, args=(shared, seed, part, size), daemon=True)
        for part in range(parts)
    ]
    for process in processes:
        process.start()
    join_all(processes, progress)
    numbers = shared[:]
    return [numbers[part * size : (part + 1) * size] for part in range(parts)]


def over_locked_array(
    context: DefaultContext, seed: int, parts: int, size: int, progress: Progress
) -> Lists:
    shared = context.Array("d", parts * size, lock=True)
    return over_array(shared, context, seed, parts, size, progress)


def over_array_with_own_lock(
    context: DefaultContext, seed: int, parts: int, size: int, progress: Progress
) -> Lists:
    shared = context.Array("d", parts * size, lock=context.Lock())
    return over_array(shared, context, seed, parts, size, progress)


def over_unlocked_array(
    context: DefaultContext, seed: int, parts: int, size: int, progress: Progress
) -> Lists:
    shared = context.Array("d", parts * size, lock=False)
    return over_array(shared, context, seed, parts, size, progress)


WAYS = {
    "queues": over_queues,
    "locked": over_locked_array,
    "own-lock": over_array_with_own_lock,
    "unlocked": over_unlocked_array,
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


def first_mistake(lists: Lists, seed: int, size: int) -> str | None:
    """Makes the same numbers again and returns what differs, or None."""
    for part, received in enumerate(lists):
        expected = random_numbers(seed, part, size)
        if received != expected:
            if len(received) != len(expected):
                return f"process {part} sent {len(received)} numbers, {len(expected)} expected"
            index = next(i for i in range(size) if received[i] != expected[i])
            return (
                f"number {index} of process {part} arrived as {received[index]!r}, "
                f"and it was {expected[index]!r}"
            )
    return None


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Times lists over Queues against shared Arrays with and without a lock."
    )
    parser.add_argument(
        "--size", type=positive, default=100_000, help="doubles per process (100000)"
    )
    parser.add_argument("--processes", type=positive, default=4, help="how many processes (4)")
    parser.add_argument(
        "--ways",
        nargs="+",
        choices=list(WAYS),
        default=["queues", "locked", "unlocked"],
        help="which ways to time (queues locked unlocked)",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the random numbers (1)")
    parser.add_argument(
        "--start",
        choices=multiprocessing.get_all_start_methods(),
        help="how processes are started (the interpreter's default)",
    )
    options = parser.parse_args()
    context = multiprocessing.get_context(options.start)

    for way in options.ways:
        progress = progress_line(way)
        begin = time.perf_counter()
        try:
            lists = WAYS[way](context, options.seed, options.processes, options.size, progress)
        except ChildFailedError as error:
            print(f"FAILED: {way}: {error}", file=sys.stderr)
            return 1
        seconds = time.perf_counter() - begin

        for part, numbers in enumerate(lists):
            print(
                f"answer: {way}: process {part}: {len(numbers)} numbers, sum {math.fsum(numbers)!r}"
            )
        print(f"time:   {way}: {seconds:.3f} s, processes started and ended included", flush=True)
        mistake = first_mistake(lists, options.seed, options.size)
        if mistake:
            print(f"WRONG: {way}: {mistake}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
