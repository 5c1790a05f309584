"""Semaphores of the engine: stock's rules, and what happens when who has units is killed."""

import multiprocessing.synchronize
import os
import random
import signal
import threading
import time
import warnings

import pytest

import onecopy as mp

KINDS = ("Semaphore", "BoundedSemaphore")
KILLS = 1000 if os.environ.get("ONECOPY_TEST_LONG") else 40


@pytest.fixture(params=KINDS)
def semaphore(request):
    return getattr(mp, request.param)(2)


def hold_by_with(semaphore, ready):
    with semaphore:
        ready.send(None)
        signal.pause()


def hold_by_acquire(semaphore, ready):
    semaphore.acquire()
    ready.send(None)
    signal.pause()


def start_holder(semaphore, work=hold_by_with):
    heard, ready = mp.Pipe(duplex=False)
    holder = mp.Process(target=work, args=(semaphore, ready))
    holder.start()
    heard.recv()
    return holder


def kill(process):
    os.kill(process.pid, signal.SIGKILL)
    process.join()


def acquire_quietly(semaphore, timeout=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return semaphore.acquire(timeout=timeout)


def test_a_semaphore_is_one_of_stocks(semaphore):
    assert isinstance(semaphore, getattr(multiprocessing.synchronize, type(semaphore).__name__))
    assert isinstance(semaphore, multiprocessing.synchronize.Semaphore)
    assert semaphore.recovered is None
    assert semaphore.get_value() == 2


@pytest.mark.parametrize("work", [hold_by_with, hold_by_acquire])
def test_a_bounded_one_gets_back_all_that_a_killed_process_had(work):
    semaphore = mp.BoundedSemaphore(2)
    holders = [start_holder(semaphore, work) for _ in range(2)]
    assert not semaphore.acquire(block=False)

    os.kill(holders[0].pid, signal.SIGKILL)
    with pytest.warns(RuntimeWarning, match=f"process {holders[0].pid} was killed while it held"):
        assert semaphore.acquire(timeout=30)
    assert semaphore.recovered == holders[0].pid
    assert not semaphore.acquire(block=False), "the other has its unit still"
    kill(holders[1])
    assert acquire_quietly(semaphore, 30)
    semaphore.release()
    semaphore.release()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert semaphore.acquire(timeout=30), "and is an ordinary one again"
    assert semaphore._validate() == ""
    holders[0].join()


def test_a_plain_one_gets_back_what_with_took_and_nothing_else():
    semaphore = mp.Semaphore(2)
    kill(start_holder(semaphore, hold_by_acquire))
    assert semaphore.get_value() == 1
    assert semaphore.recovered is None
    holder = start_holder(semaphore, hold_by_with)
    assert semaphore.get_value() == 0
    kill(holder)
    assert acquire_quietly(semaphore, 30)
    assert semaphore.recovered == holder.pid
    assert not semaphore.acquire(block=False)
    assert semaphore._validate() == ""


def test_a_semaphore_reaches_a_child_by_every_start_method(python, method):
    outcome = python(
        """
        import os, signal, sys
        import onecopy as mp

        def die_with(semaphore, ready):
            with semaphore:
                ready.send(semaphore.get_value())
                signal.pause()

        def leave_taken(semaphore, ready):
            semaphore.acquire()
            ready.send(semaphore.get_value())
            raise SystemExit(3)

        if __name__ == "__main__":
            context = mp.get_context(sys.argv[1])
            for semaphore in context.Semaphore(), context.BoundedSemaphore():
                for work in die_with, leave_taken:
                    heard, ready = context.Pipe(duplex=False)
                    child = context.Process(target=work, args=(semaphore, ready))
                    child.start()
                    print(heard.recv(), semaphore.acquire(block=False), end=" ")
                    if work is die_with:
                        os.kill(child.pid, signal.SIGKILL)
                    child.join()
                    print(semaphore.acquire(timeout=0.5), semaphore.recovered == child.pid)
                    if work is die_with:
                        semaphore.release()
        """,
        method,
    )
    assert outcome.stdout == 2 * "0 False True True\n0 False False False\n", outcome


def test_where_warnings_are_errors_no_unit_is_taken():
    semaphore = mp.BoundedSemaphore(1)
    kill(start_holder(semaphore))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning), semaphore:
            pass
    assert semaphore.get_value() == 1


def take_and_end(semaphore, ready):
    semaphore.acquire()
    ready.send(None)


def test_what_a_process_that_ends_in_the_usual_way_had_stays_taken(semaphore):
    start_holder(semaphore, take_and_end).join()

    assert semaphore.get_value() == 1
    assert semaphore.recovered is None
    semaphore.release()
    assert semaphore.get_value() == 2


def release_it(semaphore):
    semaphore.release()


def test_the_unit_of_one_is_released_by_another():
    semaphore = mp.BoundedSemaphore(1)
    semaphore.acquire()
    other = mp.Process(target=release_it, args=(semaphore,))
    other.start()
    other.join()
    assert other.exitcode == 0
    assert semaphore.get_value() == 1
    with pytest.raises(ValueError, match="semaphore or lock released too many times"):
        semaphore.release()


def test_a_release_that_comes_too_late_is_forgiven_once():
    semaphore = mp.BoundedSemaphore(1)
    kill(start_holder(semaphore))
    assert semaphore.get_value() == 1

    semaphore.release()
    with pytest.raises(ValueError, match="semaphore or lock released too many times"):
        semaphore.release()


def test_it_counts_what_a_thread_has():
    semaphore = mp.Semaphore(3)
    with semaphore, semaphore:
        assert (semaphore._semlock._count(), semaphore._semlock._is_mine()) == (2, True)
        answers = []
        thread = threading.Thread(target=lambda: answers.append(semaphore._semlock._is_mine()))
        thread.start()
        thread.join()
        assert answers == [False]
    assert semaphore._semlock._count() == 0


def test_a_time_out_holds():
    semaphore = mp.Semaphore(0)
    begin = time.monotonic()
    assert not semaphore.acquire(timeout=0.1)
    assert time.monotonic() - begin >= 0.1


def interrupt_while_waiting(semaphore, ready):
    ready.send(None)
    try:
        semaphore.acquire()
    except KeyboardInterrupt:
        ready.send("interrupted")


def test_waiting_answers_ctrl_c():
    heard, ready = mp.Pipe(duplex=False)
    waiter = mp.Process(target=interrupt_while_waiting, args=(mp.Semaphore(0), ready))
    waiter.start()
    heard.recv()
    # The first may come before it waits, and be told of elsewhere.
    while not heard.poll(0.05):
        os.kill(waiter.pid, signal.SIGINT)
    assert heard.recv() == "interrupted"
    waiter.join()


def test_waiting_lets_other_threads_run():
    semaphore = mp.Semaphore(0)
    thread = threading.Thread(target=semaphore.release)
    timer = threading.Timer(0.02, thread.start)
    timer.start()
    assert semaphore.acquire(timeout=30)
    timer.join()
    thread.join()


def take_turns(semaphore, inside):
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            semaphore.acquire()
        inside[os.getpid() % len(inside)] += 1
        semaphore.release()


def test_who_has_units_and_who_waits_are_killed_at_random(nothing_leaks):
    seed = int(os.environ.get("ONECOPY_TEST_SEED") or random.randrange(2**31))
    print(f"ONECOPY_TEST_SEED={seed}")
    dice = random.Random(seed)
    semaphore = mp.BoundedSemaphore(2)
    turns = mp.RawArray("q", 64)

    def start():
        worker = mp.Process(target=take_turns, args=(semaphore, turns), daemon=True)
        worker.start()
        return worker

    workers = [start() for _ in range(4)]
    for _ in range(KILLS):
        time.sleep(dice.random() * 0.005)  # which moment that is, is the point of the test
        victim = dice.randrange(4)
        kill(workers[victim])
        workers[victim] = start()
        assert acquire_quietly(semaphore, 30)
        semaphore.release()
        assert semaphore._validate() == ""
    for worker in workers:
        kill(worker)
    assert semaphore.get_value() == 2, "no unit is lost, and none is made"
    fresh = start_holder(semaphore)
    assert semaphore.get_value() == 1
    kill(fresh)
    assert semaphore._validate() == ""


def test_its_memory_is_freed_with_the_last_who_knows_it():
    mp.Semaphore()
    before = mp.memory()["shared"]
    semaphore = mp.Semaphore()
    assert mp.memory()["shared"] > before
    holder = start_holder(semaphore)
    del semaphore
    assert mp.memory()["shared"] > before, "the child has it still"
    kill(holder)
    assert mp.memory()["shared"] == before
