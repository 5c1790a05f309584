"""A large input that processes inherit, and the same input sent to them.

The input is an array that the parent has made. Each of several processes adds up one chunk of it,
between two bounds, and puts its sum into a Queue. The chunk gets there

  sent       as an argument of the process: it is pickled where processes are spawned;
  queued     over a Queue, as an argument does that a Pool is given;
  inherited  as a global of the parent, of which a forked process has a copy that is made page by
             page, and only where somebody writes. Nothing is handed over but the two bounds. A
             process that is spawned inherits no globals, so this one forks whatever --start says.

    python s3_inherited_input.py
    python s3_inherited_input.py --size 100000000 --processes 8
    python s3_inherited_input.py --ways sent inherited --start spawn
"""

from __future__ import annotations

import argparse
import multiprocessing
import queue
import resource
import sys
import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from multiprocessing.context import DefaultContext
    from multiprocessing.process import BaseProcess
    from multiprocessing.queues import Queue
    from typing import Any, Callable

    from numpy.typing import NDArray

    Answer = tuple[int, int, int, int]
    Progress = Callable[[], None]

numbers: Any = None  # the input, in the parent and in those that inherit it


# The children's side. Each also tells how much memory it had at most, and its page faults.


def answer(results: Queue[Answer], part: int, total: int) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    results.put((part, total, usage.ru_maxrss, usage.ru_minflt))


def add_up_sent(results: Queue[Answer], part: int, chunk: NDArray[Any]) -> None:
    answer(results, part, int(chunk.sum()))


def add_up_queued(results: Queue[Answer], chunks: Queue[Any]) -> None:
    part, chunk = chunks.get()
    answer(results, part, int(chunk.sum()))


def add_up_inherited(results: Queue[Answer], part: int, first: int, end: int) -> None:
    answer(results, part, int(numbers[first:end].sum()))


# The parent's side: what each process is given. The children are daemons, so that none is left
# behind when one of them fails.


def bounds(size: int, parts: int) -> list[tuple[int, int]]:
    """The first index of each part and the one after its last."""
    edges = [size * part // parts for part in range(parts + 1)]
    return list(zip(edges, edges[1:]))


def sent(
    context: DefaultContext,
    results: Queue[Answer],
    chunks: Queue[Any],
    part: int,
    first: int,
    end: int,
) -> BaseProcess:
    chunk = numbers[first:end]
    return context.Process(target=add_up_sent, args=(results, part, chunk), daemon=True)


def queued(
    context: DefaultContext,
    results: Queue[Answer],
    chunks: Queue[Any],
    part: int,
    first: int,
    end: int,
) -> BaseProcess:
    chunks.put((part, numbers[first:end]))
    return context.Process(target=add_up_queued, args=(results, chunks), daemon=True)


def inherited(
    context: DefaultContext,
    results: Queue[Answer],
    chunks: Queue[Any],
    part: int,
    first: int,
    end: int,
) -> BaseProcess:
    return context.Process(target=add_up_inherited, args=(results, part, first, end), daemon=True)


WAYS = {"sent": sent, "queued": queued, "inherited": inherited}


class ChildFailedError(Exception):
    pass


def receive(results: Queue[Answer], processes: list[BaseProcess], progress: Progress) -> Answer:
    """Waits for one result, and notices when a process has failed instead."""
    while True:
        failed = next((process for process in processes if process.exitcode), None)
        try:
            return results.get(timeout=1)
        except queue.Empty:
            if failed:
                raise ChildFailedError(
                    f"{failed.name} ended with exit code {failed.exitcode}"
                ) from None
            progress()


def add_up(
    context: DefaultContext,
    make_process: Callable[..., BaseProcess],
    parts: int,
    progress: Progress,
) -> list[Answer]:
    """Returns what each process answered, in the order of the chunks."""
    results, chunks = context.Queue(), context.Queue()
    chunks.cancel_join_thread()  # what a child that failed has not taken must not hold us up
    processes = [
        make_process(context, results, chunks, part, first, end)
        for part, (first, end) in enumerate(bounds(len(numbers), parts))
    ]
    for process in processes:
        process.start()
    # Receive before joining: a child can end only when its Queue has been emptied.
    answers = [receive(results, processes, progress) for _ in processes]
    for process in processes:
        process.join()
    return sorted(answers)


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
    global numbers
    parser = argparse.ArgumentParser(
        description="Times a large input that processes are sent, and that they inherit."
    )
    parser.add_argument(
        "--size", type=positive, default=1_000_000, help="elements of the input (1000000)"
    )
    parser.add_argument("--processes", type=positive, default=4, help="how many processes (4)")
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--seed", type=int, default=1, help="of the input (1)")
    parser.add_argument(
        "--start",
        choices=multiprocessing.get_all_start_methods(),
        help="how processes are started (the interpreter's default)",
    )
    options = parser.parse_args()
    numbers = np.random.default_rng(options.seed).integers(0, 1_000_000, options.size)
    expected = [
        int(numbers[first:end].sum()) for first, end in bounds(options.size, options.processes)
    ]

    for way in options.ways:
        context: Any = multiprocessing.get_context("fork" if way == "inherited" else options.start)
        begin = time.perf_counter()
        try:
            answers = add_up(context, WAYS[way], options.processes, progress_line(way))
        except ChildFailedError as error:
            print(f"FAILED: {way}: {error}", file=sys.stderr)
            return 1
        seconds = time.perf_counter() - begin

        totals = [total for _, total, _, _ in answers]
        peak = max(kilobytes for _, _, kilobytes, _ in answers) * 1024 / 1e6
        faults = sum(count for _, _, _, count in answers)
        print(f"answer: {way}: the sums of {len(totals)} chunks are {totals}")
        print(
            f"time:   {way}: {seconds:.3f} s, {peak:.0f} MB in the largest process, "
            f"{faults} minor page faults in all",
            flush=True,
        )
        if totals != expected:
            print(f"WRONG: {way}: the sums are {expected}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
