"""Locks, shared data and queues that are sent to processes that run already."""

import asyncio
import os
import queue as queues
import random
import threading

import pytest

import onecopy as mp
from onecopy.connection import Connection

KINDS = (
    "Lock",
    "RLock",
    "Semaphore",
    "BoundedSemaphore",
    "Condition",
    "Event",
    "Barrier",
    "Array",
    "Value",
    "RawArray",
    "RawValue",
    "Queue",
    "JoinableQueue",
    "SimpleQueue",
)
ARGUMENTS = {
    "Barrier": (2,),
    "Array": ("i", 3),
    "Value": ("d", 1.5),
    "RawArray": ("i", 3),
    "RawValue": ("d", 1.5),
}
KILLS = 30


def make(kind):
    return getattr(mp, kind)(*ARGUMENTS.get(kind, ()))


def are_the_same(kind, one, other):
    """Whether what is done to the one is seen in the other."""
    if kind in ("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition"):
        with one:
            return not is_free(other)
    if kind == "Event":
        one.set()
        return other.is_set()
    if kind == "Barrier":
        one.abort()
        return other.broken
    if kind in ("Array", "RawArray"):
        one[1] = 7
        return list(other) == [0, 7, 0]
    if kind in ("Value", "RawValue"):
        one.value = 2.5
        return other.value == 2.5
    one.put("through the one")
    return other.get() == "through the one"


def is_free(lock):
    """Whether another thread can take it just now."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(lock.acquire(False)))
    thread.start()
    thread.join()
    return answers == [True]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("carrier", ["Queue", "SimpleQueue", "Pipe"])
def test_what_arrives_is_the_same_one(kind, carrier, nothing_leaks):
    sent = make(kind)
    if carrier == "Pipe":
        receiver, sender = mp.Pipe(False)
        sender.send([sent, sent])
        first, second = receiver.recv()
    else:
        queue = getattr(mp, carrier)()
        queue.put([sent, sent])
        first, second = queue.get()
    assert first is second and first is not sent
    assert type(first) is type(sent)
    assert are_the_same(kind, sent, first)


def open_descriptors():
    return len(os.listdir("/proc/self/fd"))


def test_what_is_not_delivered_leaves_nothing_with_its_sender(nothing_leaks):
    """It left a handle for its receiver, and its descriptors, for as long as the sender lived."""
    carried, full = mp.Queue(), mp.Queue(1)
    (end, _), (orphan, other) = mp.Pipe(), mp.Pipe()
    other.close()
    full.put("in the way")
    full_of_it = [carried, end]
    unfit = [carried, end, threading.Lock()]
    with pytest.raises(TypeError):
        carried.put(unfit)  # starts the thread that hands descriptors over
    before = open_descriptors()
    for _ in range(5):
        with pytest.raises(queues.Full):
            full.put(full_of_it, timeout=0.01)
        with pytest.raises(TypeError):
            carried.put(unfit)
        with pytest.raises(BrokenPipeError):
            orphan.send(full_of_it)
    assert open_descriptors() <= before  # those of earlier tests may be closed by now


def test_a_put_that_is_cancelled_leaves_nothing_with_its_sender(nothing_leaks):
    carried, full = mp.Queue(), mp.Queue(1)
    full.put("in the way")

    async def put_for_a_while():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(full.put_async(carried), 0.01)

    asyncio.run(put_for_a_while())  # starts the thread that hands descriptors over
    before = open_descriptors()
    asyncio.run(put_for_a_while())
    assert open_descriptors() <= before  # those of earlier tests may be closed by now


PROGRAM = """
    import sys
    import onecopy as mp

    kept = None

    def keep(lock):
        global kept
        kept = lock

    def work(tasks, answers):
        lock, numbers, answer = tasks.get()
        with lock:
            numbers[0] += 1
        answer.put("by a queue")
        pipe = tasks.get()
        lock, numbers = pipe.recv()
        with lock:
            numbers[0] += 1
        pipe.send("by a pipe")

    def use(sent):
        lock, numbers, event = sent
        with lock, kept:
            numbers[0] += 1
        event.set()
        return lock, numbers

    if __name__ == "__main__":
        mp.set_start_method(sys.argv[1])
        tasks, answers = mp.Queue(), mp.Queue()
        child = mp.Process(target=work, args=(tasks, answers))
        child.start()
        lock, numbers, event, answer = mp.Lock(), mp.Array("i", 1), mp.Event(), mp.Queue()
        tasks.put((lock, numbers, answer))
        print(answer.get(timeout=30))
        near, far = mp.Pipe()
        tasks.put(far)
        near.send((lock, numbers))
        print(near.recv())
        child.join()
        with mp.Pool(2, keep, (mp.RLock(),)) as pool:
            back = pool.map(use, [(lock, numbers, event)] * 4)
        print(event.is_set(), numbers[:], all(each[1][:] == [6] for each in back))
        with lock:
            print([each[0].acquire(False) for each in back])
        with mp.Manager() as manager:
            kept = manager.dict(lock=lock)
            with kept["lock"]:
                print(lock.acquire(False))
"""


def test_they_go_to_processes_of_every_start_method(python, method):
    outcome = python(PROGRAM, method)
    assert outcome.stdout.splitlines() == [
        "by a queue",
        "by a pipe",
        "True [6] True",
        "[False, False, False, False]",
        "False",
    ], outcome
    assert (outcome.code, outcome.stderr) == (0, "")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "Queue" not in kind])
def test_they_outlive_their_sender(kind, nothing_leaks):
    queue = mp.Queue()

    def send_and_die():
        queue.put(make(kind))
        os.kill(os.getpid(), 9)

    child = mp.get_context("fork").Process(target=send_and_die)
    child.start()
    received = queue.get()
    child.join()
    queue.put(received)
    assert are_the_same(kind, received, queue.get())


def test_a_message_that_nobody_reads_frees_what_it_holds(nothing_leaks):
    queue = mp.Queue()
    queue.put([make(kind) for kind in KINDS if "Queue" not in kind])


@pytest.mark.parametrize("kind", KINDS)
def test_to_outsiders_they_are_refused_in_stocks_words(kind):
    made = make(kind)
    reading, writing = os.pipe()
    with (
        Connection(reading),
        Connection(writing, readable=False) as outside,
        pytest.raises(
            RuntimeError, match="should only be shared between processes through inheritance"
        ),
    ):
        outside.send(made)


class PicklesInside:
    """Its way into a message sends in turn, and pickles for anybody."""

    def __init__(self, lock):
        self.lock = lock

    def __reduce__(self):
        receiver, sender = mp.Pipe(False)
        sender.send(self.lock)
        with pytest.raises(RuntimeError):
            receiver.recv_bytes()
        sender.send(self.lock)
        assert type(receiver.recv()) is type(self.lock)
        return str, ("pickled",)


def test_what_pickling_runs_may_send_in_turn():
    queue, lock = mp.Queue(), mp.Lock()
    queue.put(PicklesInside(lock))
    assert queue.get() == "pickled"
    queue.put(lock)
    with lock:
        assert not queue.get().acquire(False)


def hand_round(inbox, outbox):
    while True:
        lock, numbers = inbox.get()
        if lock.acquire(timeout=30):
            numbers[0] += 1
            lock.release()
        outbox.put((lock, numbers))


def test_who_hands_them_round_is_killed_at_random(nothing_leaks):
    seed = int(os.environ.get("ONECOPY_TEST_SEED") or random.randrange(2**31))
    print(f"ONECOPY_TEST_SEED={seed}")
    dice = random.Random(seed)
    one, other = mp.Queue(), mp.Queue()

    def start(number):
        queues = (one, other) if number % 2 == 0 else (other, one)
        worker = mp.Process(target=hand_round, args=queues, daemon=True)
        worker.start()
        return worker

    workers = [start(number) for number in range(4)]
    for _ in range(KILLS):
        for _ in range(3):
            one.put((mp.Lock(), mp.Array("q", 8)))
        threading.Event().wait(dice.random() * 0.005)  # which moment that is, is the point
        victim = dice.randrange(4)
        workers[victim].kill()
        workers[victim].join()
        workers[victim] = start(victim)
    for worker in workers:
        worker.kill()
        worker.join()
    left = [queue.get() for queue in (one, other) for _ in range(queue.qsize())]
    assert len(left) >= 2 * KILLS - 4, "a victim takes what it had in hand, and no more"
    for lock, numbers in left:
        assert lock.acquire(timeout=30)
        numbers[0] += 1
        lock.release()
