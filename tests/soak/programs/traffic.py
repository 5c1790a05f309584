"""Producers and consumers over queues and pipes, while they are killed, stopped and signalled.

    python traffic.py SECONDS SEED FOLDER

Each item is what its producer's number and its own say, so that whoever gets it knows whether it is
whole. Every put that returned and every get is written to a file of its process; at the end of a
round the files are held against each other, and memory, descriptors, threads and processes must be
what they were. Exit code 1, with the reason, when anything is wrong.
"""

import collections
import contextlib
import datetime
import faulthandler
import fractions
import gc
import os
import random
import signal
import struct
import sys
import threading
import time

import numpy as np
import pandas as pd

import onecopy as mp

METHODS = ("fork", "spawn", "forkserver")
PATIENCE = 90  # seconds that a round may take on a busy machine
ITEM = struct.Struct("<ii")  # producer, number


def value_of(producer, number):
    """The value of an item, the same in every process."""
    dice = random.Random(producer * 1_000_003 + number)
    return MAKERS[dice.randrange(len(MAKERS))](dice)


def size_of(dice):
    """Mostly small, at times some megabytes."""
    return int(10 ** dice.uniform(0, 6.5 if dice.random() < 0.1 else 4))


def make_array(dice):
    array = np.arange(size_of(dice)).astype(
        dice.choice(["f8", "f4", "i8", "i2", "u1", "c16", ">i4"])
    )
    shape = dice.randrange(5)
    if shape == 1:
        return array[::-2]
    if shape == 2:
        return np.asfortranarray(array[: len(array) // 4 * 4].reshape(4, -1))
    if shape == 3:
        return array[: len(array) // 6 * 6].reshape(2, 3, -1).transpose(2, 0, 1)
    return array


def make_frame(dice):
    rows = size_of(dice) // 10
    return pd.DataFrame({"a": np.arange(rows), "b": np.arange(rows) / 7, "c": ["x"] * rows})


def make_nested(dice):
    return {
        "list": [make_array(dice), (None, True)],
        "text": ("ä" * dice.randrange(50), -1.5, 2**70),
    }


MAKERS = [
    lambda dice: dice.choice([None, True, 2**80, -1, 0.25, "", b"", (), [], {}, 1j]),
    lambda dice: dice.randrange(-(2**63), 2**63),
    lambda dice: "aé漢😀"[dice.randrange(4)] * size_of(dice),
    lambda dice: dice.randbytes(size_of(dice)),
    lambda dice: [dice.random()] * (size_of(dice) // 8),
    lambda dice: list(range(size_of(dice) // 8)),
    lambda dice: {str(i): i for i in range(dice.randrange(300))},
    lambda dice: [fractions.Fraction(1, 3), {1, 2}, datetime.date(2020, 1, 2), range(5)],
    make_array,
    make_array,
    make_frame,
    make_nested,
]


def same(left, right):
    if type(left) is not type(right):
        return False
    if isinstance(left, np.ndarray):
        # A strided array in foreign byte order arrives in the machine's own, as under stock.
        types = [array.dtype.newbyteorder("=") for array in (left, right)]
        return types[0] == types[1] and np.array_equal(left, right)
    if isinstance(left, pd.DataFrame):
        return left.equals(right)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return left == right


class Record:
    """The items that this process has done, in order; what was written stands after any death."""

    def __init__(self, path):
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, producer, number):
        os.write(self._file, ITEM.pack(producer, number))

    @staticmethod
    def read(path):
        try:
            with open(path, "rb") as file:
                return list(ITEM.iter_unpack(file.read()))
        except FileNotFoundError:
            return []


@contextlib.contextmanager
def weather(dice):
    """What every worker puts up with: signals whose handlers do a little, from a timer and from
    the parent."""
    seen = collections.Counter()

    def handler(number, frame):
        seen[number] += 1

    signal.signal(signal.SIGUSR1, handler)
    signal.signal(signal.SIGALRM, handler)
    faulthandler.register(signal.SIGUSR2, all_threads=True)
    if dice.random() < 0.5:
        signal.setitimer(signal.ITIMER_REAL, 0.002, dice.choice([0.0007, 0.005]))
    try:
        yield
    finally:  # the end of the interpreter takes handlers away, and leaves what is ignored
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)


def produce(put, producer, count, path):
    with weather(random.Random(producer)):
        record = Record(path)
        for number in range(count):
            try:
                put((producer, number, value_of(producer, number)))
            except BrokenPipeError:
                return
            record.add(producer, number)


def consume(get, consumer, path):
    dice = random.Random(consumer)
    with weather(dice):
        record = Record(path)
        kept = collections.deque(maxlen=4)
        while (item := next_item(get)) is not None:
            producer, number, value = item
            record.add(producer, number)
            if not same(value, value_of(producer, number)):
                raise ValueError(f"item {number} of producer {producer} arrived as {value!r:.200}")
            if isinstance(value, np.ndarray) and value.size and value.flags.writeable:
                value.flat[0] = 1  # nobody else shall see that
            kept.append(value)
            if dice.random() < 0.01:
                look_from_a_fork(kept)


def next_item(get):
    try:
        return get()
    except EOFError:
        return None


def look_from_a_fork(kept):
    """What was received is there in a child that the program forks by itself."""
    sums = [value.sum() for value in kept if isinstance(value, np.ndarray)]
    pid = os.fork()
    if pid == 0:
        again = [value.sum() for value in kept if isinstance(value, np.ndarray)]
        os._exit(0 if sums == again else 1)
    if os.waitpid(pid, 0)[1] != 0:
        raise ValueError("a forked child saw other arrays than its parent")


class Worker:
    """A process of a round, and what became of it."""

    def __init__(self, method, target, *arguments):
        self.process = mp.get_context(method).Process(target=target, args=arguments)
        self.path = arguments[-1]
        self.method = method
        self.killed = False
        self.process.start()

    def signal(self, number):
        # Its handlers are there once its file is.
        if self.process.is_alive() and os.path.exists(self.path):
            with contextlib.suppress(ProcessLookupError):  # it ended in this moment
                os.kill(self.process.pid, number)

    def kill(self):
        # Asked first: what was found ended was not killed by us.
        if self.process.is_alive():
            self.process.kill()
            self.killed = True

    def end(self):
        self.process.join()
        code = self.process.exitcode
        # One that ended in the moment of the kill ended by itself; a child of the template whose
        # exit code got lost has 255.
        if code != 0 and not (self.killed and code in (-signal.SIGKILL, 255)):
            raise SystemExit(f"a worker by {self.method} ended with exit code {code}")
        self.process.close()


class Round:
    """One family of channels and workers, from start to end."""

    def __init__(self, dice, folder, number):
        self._dice = dice
        self._folder = folder
        self._names = iter(range(number * 10_000, (number + 1) * 10_000))
        self.workers = []

    def _start(self, target, channel, *more):
        name = next(self._names)
        path = os.path.join(self._folder, str(name))
        worker = Worker(self._dice.choice(METHODS), target, channel, name, *more, path)
        self.workers.append(worker)
        return worker

    def run(self):
        if self._dice.random() < 0.5:
            self._run_queue()
        else:
            self._run_pipes()

    def _run_queue(self):
        dice = self._dice
        queue = dice.choice([mp.Queue, mp.JoinableQueue])(dice.choice([0, 0, 1, 7]))
        if dice.random() < 0.2:
            queue = mp.SimpleQueue()
        producers = [
            self._start(produce, queue.put, dice.randrange(20, 300))
            for _ in range(dice.randrange(1, 4))
        ]
        consumers = [self._start(consume, queue.get) for _ in range(dice.randrange(1, 4))]
        while any(worker.process.is_alive() for worker in producers):
            victim = self._disturb(producers + consumers)
            if victim in consumers and victim.killed:
                consumers.append(self._start(consume, queue.get))
        for worker in consumers:
            if not worker.killed:
                queue.put(None)
        for worker in self.workers:
            worker.end()
        rest = []
        while not queue.empty():
            item = queue.get()
            if item is not None:
                rest.append(item[:2])
        queue.close()
        self._check(producers, consumers, rest)

    def _run_pipes(self):
        dice = self._dice
        pairs = []
        for _ in range(dice.randrange(1, 3)):
            ends = mp.Pipe(duplex=dice.random() < 0.3)
            reader, writer = ends
            consumer = self._start(consume, reader.recv)
            producer = self._start(produce, writer.send, dice.randrange(20, 300))
            for end in ends:
                end.close()
            pairs.append((producer, consumer))
        while any(worker.process.is_alive() for worker in self.workers):
            self._disturb(self.workers)
        for worker in self.workers:
            worker.end()
        for producer, consumer in pairs:
            self._check([producer], [consumer], [], alone=True)

    def _disturb(self, workers):
        dice = self._dice
        time.sleep(dice.random() * 0.02)
        victim = dice.choice(workers)
        what = dice.random()
        if what < 0.1:
            victim.kill()
        elif what < 0.3:
            victim.signal(signal.SIGSTOP)
            time.sleep(dice.random() * 0.05)
            victim.signal(signal.SIGCONT)
        elif what < 0.8:
            for _ in range(dice.randrange(1, 20)):
                victim.signal(signal.SIGUSR1)
        return victim

    def _check(self, producers, consumers, rest, alone=False):
        put = [item for worker in producers for item in Record.read(worker.path)]
        got = list(rest)
        for worker in consumers:
            items = Record.read(worker.path)
            last = {}
            for producer, number in items:
                if last.get(producer, -1) >= number:
                    raise SystemExit(f"item {number} of producer {producer} came out of order")
                last[producer] = number
            got += items
        twice = [item for item, times in collections.Counter(got).items() if times > 1]
        if twice:
            raise SystemExit(f"got twice: {twice}")
        lost = set(put) - set(got)
        # One that is killed may have got an item and not have come to write it down; what lies in
        # a pipe whose reader is killed nobody gets.
        killed = sum(worker.killed for worker in consumers)
        if len(lost) > killed and not (killed and alone):
            raise SystemExit(f"lost, with {killed} consumers killed: {sorted(lost)}")


def here():
    """What must be the same before and after: what is held, and what runs."""
    gc.collect()
    mp.active_children()
    told = mp.memory()
    children = {}
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/children") as file:
            children.update(dict.fromkeys(file.read().split()))
    return {
        "bytes in use": told["in_use"],
        "blocks in use": told["blocks_in_use"],
        "queued blocks": told["queued_blocks"],
        "members": sum(member["living"] for member in told["members"]),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
        "children": len(children),
    }


def settle(before):
    """What is here once the last of the dead are taken back, which whoever waits does in time."""
    deadline = time.monotonic() + 20
    while (now := here()) != before and time.monotonic() < deadline:
        time.sleep(0.05)
    return now


def show_where_all_are():
    """Before a hanging round is given up: the stacks of all its processes."""
    for member in mp.memory()["members"]:
        if member["living"] and member["pid"] != os.getpid():
            print(f"--- process {member['pid']}", file=sys.stderr, flush=True)
            os.kill(member["pid"], signal.SIGUSR2)
            time.sleep(0.3)


def watch(rounds):
    """Ends the program when a round takes too long."""
    seen, since = rounds[0], time.monotonic()
    while True:
        time.sleep(1)
        if rounds[0] != seen:
            seen, since = rounds[0], time.monotonic()
        elif time.monotonic() - since > PATIENCE:
            print(f"round {seen} hangs", file=sys.stderr)
            faulthandler.dump_traceback(all_threads=True)
            show_where_all_are()
            os.killpg(0, signal.SIGKILL)


def main():
    seconds, seed, folder = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    for method in METHODS:  # what a method needs once is there from now on
        Worker(method, int, "0").end()
    rounds = [0]
    threading.Thread(target=watch, args=(rounds,), daemon=True).start()
    before = here()
    killed = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        dice = random.Random(seed + rounds[0])
        this = Round(dice, folder, rounds[0])
        this.run()
        killed += sum(worker.killed for worker in this.workers)
        del this
        after = settle(before)
        if after != before:
            raise SystemExit(f"after round {rounds[0]} of seed {seed}: {after}, before it {before}")
        rounds[0] += 1
    print(f"{rounds[0]} rounds, {killed} killed")


if __name__ == "__main__":
    main()
