"""A program that runs out of descriptors, of memory, of places in the family, in any order.

    python shortage.py SECONDS SEED

Each shortage must show as one clear error of the call that met it, and everything must work as soon
as the shortage is over, with nothing held that was not held before. ONECOPY_MEMORY_LIMIT must be
64M. Exit code 1, with the reason, when anything is wrong.
"""

import contextlib
import faulthandler
import gc
import os
import queue
import random
import resource
import sys
import threading
import time

import numpy as np

import onecopy as mp
from onecopy import _engine

METHODS = ("fork", "spawn", "forkserver")
PATIENCE = 90  # seconds that a turn may take on a busy machine
MEBIBYTE = 1 << 20
SHORT = 7  # exit code of a child that met the shortage


class ShortageInChildError(Exception):
    """It was the child that met the shortage, and with the right error."""


def echo(inbox, outbox, shortage):
    try:
        while (item := inbox.get()) is not None:
            outbox.put(item)
    except (OSError, MemoryError) as error:
        check(error, shortage)
        os._exit(SHORT)


def double(number):
    return 2 * number


def exchange(method, shortage=None):
    """One round through a child and a pipe: what a program does when nothing is short."""
    context = mp.get_context(method)
    with contextlib.ExitStack() as stack:
        inbox = stack.enter_context(contextlib.closing(context.Queue()))
        outbox = stack.enter_context(contextlib.closing(context.Queue()))
        reader, writer = context.Pipe(duplex=False)
        stack.enter_context(reader)
        stack.enter_context(writer)
        writer.send([1, 2])
        if reader.recv() != [1, 2]:
            raise SystemExit("what went through a pipe came back as something else")
        process = context.Process(target=echo, args=(inbox, outbox, shortage))
        process.start()
        try:
            for item in (1, "text", np.arange(100_000)):
                inbox.put(item)
                if not np.array_equal(answer(outbox, process), item):
                    raise SystemExit(f"{item!r} came back as something else")
            inbox.put(None)
        except BaseException:
            process.kill()
            raise
        finally:
            process.join()
            code = process.exitcode
            process.close()
        if code != 0:
            raise SystemExit(f"the child ended with exit code {code}")


def answer(outbox, process):
    while process.is_alive() or not outbox.empty():
        with contextlib.suppress(queue.Empty):
            return outbox.get(timeout=0.1)
    if process.exitcode == SHORT:
        raise ShortageInChildError
    raise SystemExit(f"the child ended with exit code {process.exitcode}")


def pool(method, shortage=None):
    with mp.get_context(method).Pool(2) as workers:
        assert workers.map(double, range(10)) == list(range(0, 20, 2))
        workers.close()
        workers.join()


# -- the shortages --------------------


@contextlib.contextmanager
def few_descriptors(dice):
    """So many more than are open now."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1 + dice.randrange(40), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@contextlib.contextmanager
def few_places(dice):
    """The family is full, but for so many places."""
    places = []
    with contextlib.suppress(OSError):
        while True:
            places.append(_engine.reserve_place())
    for _ in range(dice.randrange(3)):
        _engine.release_place(*places.pop())
    try:
        yield
    finally:
        for place in places:
            _engine.release_place(*place)


@contextlib.contextmanager
def little_memory(dice):
    """A queue holds all of it, but for so much."""
    hoard = mp.Queue()
    left = dice.choice([0, 4096, MEBIBYTE])
    size = 8 * MEBIBYTE
    while size >= 4096:
        try:
            hoard.put(bytes(size))
        except MemoryError:
            size //= 2
    while left > 0:
        left -= len(hoard.get())
    try:
        yield
    finally:
        hoard.close()


SHORTAGES = {
    few_descriptors: (OSError, ("Too many open files", "descriptor")),
    few_places: (OSError, ("the family is full",)),
    little_memory: (MemoryError, ("ONECOPY_MEMORY_LIMIT",)),
}


def check(error, shortage):
    """Whether the error is the one that this shortage is to show as."""
    kinds, texts = SHORTAGES[shortage]
    if not isinstance(error, kinds) or not any(text in str(error) for text in texts):
        raise error


# -- the soak --------------------


def here():
    gc.collect()
    mp.active_children()
    _engine.reclaim_dead()
    told = mp.memory()
    return {
        "bytes in use": told["in_use"],
        "blocks in use": told["blocks_in_use"],
        "members": sum(member["living"] for member in told["members"]),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
    }


def settle(before):
    deadline = time.monotonic() + 20
    while (now := here()) != before and time.monotonic() < deadline:
        time.sleep(0.05)
    return now


def main():
    seconds, seed = float(sys.argv[1]), int(sys.argv[2])
    for method in METHODS:
        exchange(method)
        pool(method)
    before = here()
    turns = errors = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        faulthandler.dump_traceback_later(PATIENCE, exit=True)
        dice = random.Random(seed + turns)
        shortage = dice.choice(list(SHORTAGES))
        method = dice.choice(METHODS)
        what = dice.choice([exchange, pool])
        story = f"turn {turns} of seed {seed}: {what.__name__} by {method} with {shortage.__name__}"
        try:
            with shortage(dice):
                what(method, shortage)
        except (OSError, MemoryError) as error:
            errors += 1
            check(error, shortage)
        except ShortageInChildError:
            errors += 1
        exchange(method)
        after = settle(before)
        if after != before:
            raise SystemExit(f"{story}: {after}, before it {before}")
        turns += 1
    print(f"{turns} turns, {errors} errors")


if __name__ == "__main__":
    main()
