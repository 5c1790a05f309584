"""What a thread does to a process that is forked beside it, and not to one that is spawned.

A forked process has the memory of its parent, and of the threads only the one that forked. A lock
that another thread held at that moment is held in the child for ever. The thread, here,

  stdout   prints to standard output all the time, and so does the child. The famous program that
           hung. Whether it does is a matter of luck: mostly, where output is buffered, and never
           with PYTHONUNBUFFERED=1, as then there is no lock;
  lock     holds a lock that the child wants to take: the child hangs always.

A spawned process, and one of the forkserver, has streams and locks of its own.

    python s2_fork_hazards.py
    python s2_fork_hazards.py --hazards stdout --start fork --children 300
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import DefaultContext
    from typing import Any, Callable

    Progress = Callable[[int], None]

PATIENCE = 60  # seconds for a child to start

LOCK = threading.Lock()


# What the thread does until it is told to stop, and what the child does once.


def keep_printing_to_stdout(text: str, begun: threading.Event, stop: threading.Event) -> None:
    begun.set()
    while not stop.is_set():
        print(text, flush=True)


def print_to_stdout(text: str) -> None:
    print(text, flush=True)


def hold_lock(text: str, begun: threading.Event, stop: threading.Event) -> None:
    with LOCK:
        begun.set()
        stop.wait()


def take_lock(text: str) -> None:
    with LOCK:
        pass


HAZARDS = {
    "stdout": (keep_printing_to_stdout, print_to_stdout),
    "lock": (hold_lock, take_lock),
}


def child(connection: Connection[Any, Any], act: Callable[[str], None], text: str) -> None:
    connection.send("started")
    act(text)
    connection.send("done")


class ChildFailedError(Exception):
    pass


def hangs(context: DefaultContext, act: Callable[[str], None], text: str, patience: float) -> bool:
    """Starts one child and tells whether it was still busy when patience ran out."""
    connection, far_end = context.Pipe(duplex=False)
    # A daemon, so that none is left behind when this program fails.
    process = context.Process(target=child, args=(far_end, act, text), daemon=True)
    process.start()
    far_end.close()
    try:
        if not connection.poll(PATIENCE):
            raise ChildFailedError("a child did not start")
        connection.recv()
        hung = not connection.poll(patience)
        if hung:
            process.terminate()
        else:
            connection.recv()
    except EOFError:
        raise ChildFailedError("a child is gone") from None
    process.join()
    connection.close()
    return hung


def first_that_hangs(
    context: DefaultContext,
    hazard: str,
    options: argparse.Namespace,
    progress: Progress,
) -> int | None:
    """Returns the number of the first child that hung, or None."""
    keep_busy, act = HAZARDS[hazard]
    text = "x" * options.size
    begun, stop = threading.Event(), threading.Event()
    thread = threading.Thread(target=keep_busy, args=(text, begun, stop))
    thread.start()
    begun.wait()
    try:
        for number in range(1, options.children + 1):
            if hangs(context, act, text, options.patience):
                return number
            progress(number)
    finally:
        stop.set()
        thread.join()
    return None


@contextlib.contextmanager
def silent_stdout() -> Iterator[None]:
    """Sends what is printed to standard output nowhere, in this process and its children."""
    sys.stdout.flush()
    saved, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(saved, 1)
        os.close(saved)
        os.close(nowhere)


def progress_line(label: str, children: int) -> Progress:
    """Returns a function that shows how far we are, on stderr, and only when it takes long."""
    on_terminal = sys.stderr.isatty()
    interval = 1 if on_terminal else 10
    last_shown = time.monotonic()

    def show(done: int) -> None:
        nonlocal last_shown
        now = time.monotonic()
        if now - last_shown >= interval:
            last_shown = now
            end = "\r" if on_terminal and done < children else "\n"
            print(f"{label}: {done} of {children} children", end=end, file=sys.stderr, flush=True)

    return show


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


def main() -> int:
    methods = multiprocessing.get_all_start_methods()
    parser = argparse.ArgumentParser(
        description="Starts processes beside a busy thread and tells which of them hang."
    )
    parser.add_argument(
        "--size", type=positive, default=1000, help="characters in a printed line (1000)"
    )
    parser.add_argument(
        "--children", type=positive, default=3, help="of each hazard, or until one hangs (3)"
    )
    parser.add_argument(
        "--patience", type=positive, default=3, help="seconds before a child counts as hung (3)"
    )
    parser.add_argument("--hazards", nargs="+", choices=list(HAZARDS), default=list(HAZARDS))
    parser.add_argument(
        "--start", nargs="+", choices=methods, default=methods, help="how children start (all)"
    )
    options = parser.parse_args()

    for hazard in options.hazards:
        for method in options.start:
            label = f"{hazard}, {method}"
            progress = progress_line(label, options.children)
            context = multiprocessing.get_context(method)
            begin = time.perf_counter()
            try:
                with silent_stdout():
                    hung = first_that_hangs(context, hazard, options, progress)
            except ChildFailedError as error:
                print(f"FAILED: {label}: {error}", file=sys.stderr)
                return 1
            seconds = time.perf_counter() - begin

            outcome = f"child {hung} hung" if hung else f"none of {options.children} hung"
            by_luck = hazard == "stdout" and method == "fork"
            print(f"{'time:  ' if by_luck else 'answer:'} {label}: {outcome}")
            print(f"time:   {label}: {seconds:.3f} s", flush=True)
            expected = 1 if hazard == "lock" and method == "fork" else None
            if not by_luck and hung != expected:
                print(f"WRONG: {label}: {outcome}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
