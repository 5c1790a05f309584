"""One NumPy array, three ways to another process: Pipe, Queue and shared Array.

Each call hands the array to a child process, which adds it up and answers with the sum. It is
counted how many calls a second each way manages,

  made anew   the channel and the process are made for every call, as a careless program does;
  kept        one channel and one process serve all calls, so that only the transfer is left.

    python s0_pipe_queue_array.py
    python s0_pipe_queue_array.py --size 1000000 --calls 200
    python s0_pipe_queue_array.py --size 10000 --calls 1000 --start spawn
    python s0_pipe_queue_array.py --ways Array --profile
"""

from __future__ import annotations

import argparse
import cProfile
import multiprocessing
import pstats
import queue
import sys
import time
from typing import TYPE_CHECKING, Any, Union

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.context import DefaultContext
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Event, Semaphore

    from numpy.typing import NDArray

    Channel = Union[type["OverPipe"], type["OverQueue"], type["OverArray"]]
    Progress = Callable[[int], None]

PATIENCE = 60  # seconds to wait for one answer before calling the child lost


# The child's side: take an array, answer with its sum, until there is nothing more to come.


def add_up_from_pipe(connection: Connection[Any, Any]) -> None:
    while True:
        numbers = connection.recv()
        if numbers is None:
            return
        connection.send(int(numbers.sum()))


def add_up_from_queue(questions: Queue[Any], answers: Queue[int]) -> None:
    while True:
        numbers = questions.get()
        if numbers is None:
            return
        answers.put(int(numbers.sum()))


def add_up_from_array(
    shared: Any, filled: Semaphore, answered: Semaphore, total: Any, stopping: Event
) -> None:
    numbers = np.frombuffer(shared.get_obj(), dtype=np.int64)
    while True:
        filled.acquire()
        if stopping.is_set():
            return
        with shared:
            total.value = int(numbers.sum())
        answered.release()


# The parent's side: three classes with the same three methods. The children are daemons, so that
# none is left behind when this program fails.


class OverPipe:
    def __init__(self, context: DefaultContext, size: int) -> None:
        self.connection, far_end = context.Pipe()
        self.process = context.Process(target=add_up_from_pipe, args=(far_end,), daemon=True)
        self.process.start()
        far_end.close()  # so that a dead child shows as EOFError, not as silence

    def ask(self, numbers: NDArray[Any]) -> int:
        self.connection.send(numbers)
        if not self.connection.poll(PATIENCE):
            raise TimeoutError("no answer came over the Pipe")
        return int(self.connection.recv())

    def close(self) -> None:
        self.connection.send(None)
        self.process.join()
        self.connection.close()


class OverQueue:
    def __init__(self, context: DefaultContext, size: int) -> None:
        self.questions: Queue[Any] = context.Queue()
        self.answers: Queue[int] = context.Queue()
        self.process = context.Process(
            target=add_up_from_queue, args=(self.questions, self.answers), daemon=True
        )
        self.process.start()

    def ask(self, numbers: NDArray[Any]) -> int:
        self.questions.put(numbers)
        try:
            return self.answers.get(timeout=PATIENCE)
        except queue.Empty:
            raise TimeoutError("no answer came over the Queue") from None

    def close(self) -> None:
        self.questions.put(None)
        self.process.join()
        self.questions.close()
        self.answers.close()


class OverArray:
    def __init__(self, context: Any, size: int) -> None:
        self.shared = context.Array("q", size)
        self.numbers = np.frombuffer(self.shared.get_obj(), dtype=np.int64)
        self.filled = context.Semaphore(0)
        self.answered = context.Semaphore(0)
        self.total = context.Value("q", 0)
        self.stopping = context.Event()
        self.process = context.Process(
            target=add_up_from_array,
            args=(self.shared, self.filled, self.answered, self.total, self.stopping),
            daemon=True,
        )
        self.process.start()

    def ask(self, numbers: NDArray[Any]) -> int:
        with self.shared:
            self.numbers[:] = numbers
        self.filled.release()
        if not self.answered.acquire(timeout=PATIENCE):
            raise TimeoutError("no answer came through the Array")
        return int(self.total.value)

    def close(self) -> None:
        self.stopping.set()
        self.filled.release()
        self.process.join()


WAYS: dict[str, Channel] = {"Pipe": OverPipe, "Queue": OverQueue, "Array": OverArray}


# Every call sends different contents, so that an array that arrived late or half would show.


def change(numbers: NDArray[Any], call: int) -> None:
    numbers[call % len(numbers)] += call + 1


def ask_anew(
    way: Channel,
    context: DefaultContext,
    numbers: NDArray[Any],
    calls: int,
    progress: Progress,
) -> tuple[list[int], float]:
    totals = []
    begin = time.perf_counter()
    for call in range(calls):
        change(numbers, call)
        channel = way(context, len(numbers))
        totals.append(channel.ask(numbers))
        channel.close()
        progress(call + 1)
    return totals, time.perf_counter() - begin


def ask_kept(
    way: Channel,
    context: DefaultContext,
    numbers: NDArray[Any],
    calls: int,
    progress: Progress,
) -> tuple[list[int], float]:
    totals = []
    channel = way(context, len(numbers))
    channel.ask(numbers)  # waits until the child has started: not timed
    begin = time.perf_counter()
    for call in range(calls):
        change(numbers, call)
        totals.append(channel.ask(numbers))
        progress(call + 1)
    seconds = time.perf_counter() - begin
    channel.close()
    return totals, seconds


MODES = {"anew": ("made anew", ask_anew), "kept": ("kept", ask_kept)}


def expected_totals(numbers: NDArray[Any], calls: int) -> list[int]:
    """What the children must answer: call number i adds i + 1 to what was there before."""
    total = int(numbers.sum())
    totals = []
    for call in range(calls):
        total += call + 1
        totals.append(total)
    return totals


def progress_line(label: str, calls: int) -> Progress:
    """Returns a function that shows how far we are, on stderr, and only when it takes long."""
    on_terminal = sys.stderr.isatty()
    interval = 1 if on_terminal else 10
    last_shown = time.monotonic()

    def show(done: int) -> None:
        nonlocal last_shown
        now = time.monotonic()
        if now - last_shown >= interval:
            last_shown = now
            end = "\r" if on_terminal and done < calls else "\n"
            print(f"{label}: {done} of {calls} calls", end=end, file=sys.stderr, flush=True)

    return show


def print_profile(profiler: cProfile.Profile) -> None:
    """The functions of this process that took the most time of their own."""
    statistics: Any = pstats.Stats(profiler)
    print(f"profile:   {statistics.total_calls} Python calls")
    slowest = sorted(statistics.stats.items(), key=lambda item: -item[1][2])
    for (path, line, function), (_, count, own_seconds, _, _) in slowest[:5]:
        place = function if path == "~" else f"{path.rsplit('/', 1)[-1]}:{line} {function}"
        print(f"profile:   {own_seconds:8.3f} s in {count:7d} calls of {place}")


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Times a NumPy array over Pipe, Queue and shared Array between two processes."
    )
    parser.add_argument("--size", type=positive, default=100_000, help="elements (100000)")
    parser.add_argument(
        "--calls",
        type=positive,
        default=30,
        help="calls per measurement (30); too few make the ranking a matter of luck",
    )
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--modes", nargs="+", choices=list(MODES), default=list(MODES))
    parser.add_argument("--seed", type=int, default=1, help="of the array's contents (1)")
    parser.add_argument(
        "--start",
        choices=multiprocessing.get_all_start_methods(),
        help="how processes are started (the interpreter's default)",
    )
    parser.add_argument(
        "--profile", action="store_true", help="show where the parent's time went, by cProfile"
    )
    options = parser.parse_args()
    context = multiprocessing.get_context(options.start)

    wrong = False
    for mode in options.modes:
        mode_name, measure = MODES[mode]
        for way in options.ways:
            numbers = np.random.default_rng(options.seed).integers(0, 1_000_000, options.size)
            expected = expected_totals(numbers, options.calls)
            progress = progress_line(f"{way}, {mode_name}", options.calls)
            profiler = cProfile.Profile()

            if options.profile:
                profiler.enable()
            try:
                totals, seconds = measure(WAYS[way], context, numbers, options.calls, progress)
            except (EOFError, TimeoutError) as error:
                reason = str(error) or "the child is gone"
                print(f"FAILED: {way}, {mode_name}: {reason}", file=sys.stderr)
                return 1
            profiler.disable()

            print(
                f"answer: {way}, {mode_name}: {len(totals)} arrays of {options.size} elements, "
                f"last sum {totals[-1]}"
            )
            print(
                f"time:   {way}, {mode_name}: {seconds:.3f} s, "
                f"{options.calls / seconds:.1f} calls per second"
            )
            if options.profile:
                print_profile(profiler)
            if totals != expected:
                call = next(i for i, pair in enumerate(zip(totals, expected)) if pair[0] != pair[1])
                print(
                    f"WRONG: {way}, {mode_name}: call {call} gave the sum {totals[call]}, "
                    f"and {expected[call]} was sent",
                    file=sys.stderr,
                )
                wrong = True
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
