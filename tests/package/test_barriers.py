"""Barriers of the engine: stock's rules, and what happens when a party is killed."""

import multiprocessing.synchronize
import os
import random
import signal
import threading
import time

import pytest

import onecopy as mp

KILLS = 1000 if os.environ.get("ONECOPY_TEST_LONG") else 40


def kill(process):
    os.kill(process.pid, signal.SIGKILL)
    process.join()


def pass_and_tell(barrier, ready):
    try:
        ready.send(barrier.wait())
    except threading.BrokenBarrierError as error:
        ready.send(type(error).__name__)


class Party:
    """A process that has come."""

    def __init__(self, barrier):
        before = barrier.n_waiting
        self.heard, ready = mp.Pipe(duplex=False)
        self.process = mp.Process(target=pass_and_tell, args=(barrier, ready))
        self.process.start()
        while barrier.n_waiting == before:
            time.sleep(0.001)

    def answer(self):
        answer = self.heard.recv()
        self.process.join()
        return answer


def test_a_barrier_is_one_of_stocks():
    barrier = mp.Barrier(2, timeout=7)
    assert isinstance(barrier, multiprocessing.synchronize.Barrier)
    assert isinstance(barrier, threading.Barrier)
    assert (barrier.parties, barrier.n_waiting, barrier.broken) == (2, 0, False)
    assert repr(mp.Barrier(1)).startswith("<onecopy.synchronize.Barrier ")


def test_all_go_on_when_all_have_come():
    barrier = mp.Barrier(3)
    parties = [Party(barrier) for _ in range(2)]
    assert barrier.n_waiting == 2
    assert barrier.wait(30) == 2
    assert [party.answer() for party in parties] == [0, 1]
    assert barrier.n_waiting == 0


def test_a_barrier_reaches_a_child_by_every_start_method(python, method):
    outcome = python(
        """
        import sys
        import onecopy as mp

        def say():
            print("all are here", flush=True)

        def meet(barrier):
            print(barrier.parties, barrier._timeout, flush=True)
            barrier.wait()
            barrier.wait()

        if __name__ == "__main__":
            context = mp.get_context(sys.argv[1])
            barrier = context.Barrier(2, say, 30)
            child = context.Process(target=meet, args=(barrier,))
            child.start()
            barrier.wait()
            barrier.wait()
            child.join()
        """,
        method,
    )
    assert outcome.stdout == "2 30\nall are here\nall are here\n", outcome


def test_a_party_that_is_killed_while_it_waits_breaks_it():
    barrier = mp.Barrier(3)
    dead, living = Party(barrier), Party(barrier)
    os.kill(dead.process.pid, signal.SIGKILL)
    assert living.answer() == "BrokenBarrierError"
    assert barrier.broken
    with pytest.raises(threading.BrokenBarrierError):
        barrier.wait()
    barrier.reset()
    assert not barrier.broken
    dead.process.join()
    assert barrier._validate() == ""


def test_who_only_asks_finds_it_broken_too():
    barrier = mp.Barrier(3)
    dead = Party(barrier)
    os.kill(dead.process.pid, signal.SIGKILL)
    while not barrier.broken:
        time.sleep(0.001)
    assert barrier.n_waiting == 0


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_party_that_is_killed_in_the_action_breaks_it():
    barrier = mp.Barrier(3, die)
    parties = [Party(barrier) for _ in range(2)]
    actor = mp.Process(target=barrier.wait)
    actor.start()
    assert [party.answer() for party in parties] == ["BrokenBarrierError"] * 2
    actor.join()
    assert barrier.broken
    assert barrier._validate() == ""


def test_an_action_that_takes_longer_than_the_time_out_breaks_nothing():
    barrier = mp.Barrier(2, lambda: time.sleep(0.3))
    answers = []
    thread = threading.Thread(target=lambda: answers.append(barrier.wait(0.2)))
    thread.start()
    answers.append(barrier.wait(0.2))
    thread.join()
    assert sorted(answers) == [0, 1]


def test_breaking_it_waits_for_the_action():
    begun = threading.Event()
    go_on = threading.Event()

    def act():
        begun.set()
        go_on.wait()

    barrier = mp.Barrier(1, act)
    answers = []
    actor = threading.Thread(target=lambda: answers.append(barrier.wait()))
    actor.start()
    begun.wait()
    breaker = threading.Thread(target=barrier.abort)
    breaker.start()
    breaker.join(0.05)
    assert breaker.is_alive()
    go_on.set()
    actor.join()
    breaker.join()
    assert answers == [0]
    assert barrier.broken


def test_an_action_may_break_and_reset_its_own_barrier():
    barrier = mp.Barrier(1, lambda: (barrier.abort(), barrier.reset()))
    assert barrier.wait() == 0
    assert not barrier.broken


def test_an_action_may_use_another_barrier():
    inner = mp.Barrier(1)
    outer = mp.Barrier(1, inner.wait)
    assert outer.wait() == 0
    assert outer.wait() == 0


def interrupt_while_waiting(barrier, ready):
    try:
        barrier.wait()
    except KeyboardInterrupt:
        ready.send((barrier.n_waiting, barrier.broken))


def test_waiting_answers_ctrl_c_and_breaks_nothing():
    barrier = mp.Barrier(2)
    heard, ready = mp.Pipe(duplex=False)
    waiter = mp.Process(target=interrupt_while_waiting, args=(barrier, ready))
    waiter.start()
    while barrier.n_waiting == 0:
        time.sleep(0.001)
    os.kill(waiter.pid, signal.SIGINT)
    assert heard.recv() == (0, False)
    waiter.join()


def pass_on_and_on(barrier):
    while True:
        try:
            barrier.wait(0.05)
        except threading.BrokenBarrierError:
            barrier.reset()


def test_parties_are_killed_at_random(nothing_leaks):
    seed = int(os.environ.get("ONECOPY_TEST_SEED") or random.randrange(2**31))
    print(f"ONECOPY_TEST_SEED={seed}")
    dice = random.Random(seed)
    barrier = mp.Barrier(3)

    def start():
        worker = mp.Process(target=pass_on_and_on, args=(barrier,), daemon=True)
        worker.start()
        return worker

    workers = [start() for _ in range(3)]
    for _ in range(KILLS):
        time.sleep(dice.random() * 0.005)  # which moment that is, is the point of the test
        victim = dice.randrange(3)
        kill(workers[victim])
        workers[victim] = start()
        assert barrier._validate() == ""
    for worker in workers:
        kill(worker)
    barrier.reset()
    assert (barrier.n_waiting, barrier.broken) == (0, False), "the dead have left"
    parties = [Party(barrier) for _ in range(2)]
    assert barrier.wait(30) == 2
    assert sorted(party.answer() for party in parties) == [0, 1]
    assert barrier._validate() == ""
    for party in parties:
        party.heard.close()
