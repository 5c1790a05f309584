"""Locks of the engine: stock's rules, and what happens when a holder or a waiter is killed."""

import multiprocessing.synchronize
import os
import random
import signal
import threading
import time
import warnings

import pytest

import onecopy as mp

KINDS = ("Lock", "RLock")
KILLS = 1000 if os.environ.get("ONECOPY_TEST_LONG") else 40


@pytest.fixture(params=KINDS)
def lock(request):
    return getattr(mp, request.param)()


def hold(lock, ready):
    lock.acquire()
    ready.send(None)
    signal.pause()


def start_holder(lock, work=hold):
    heard, ready = mp.Pipe(duplex=False)
    holder = mp.Process(target=work, args=(lock, ready))
    holder.start()
    heard.recv()
    return holder


def kill(process):
    os.kill(process.pid, signal.SIGKILL)
    process.join()


def acquire_quietly(lock, timeout=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return lock.acquire(timeout=timeout)


def test_a_lock_is_one_of_stocks(lock):
    assert isinstance(lock, getattr(multiprocessing.synchronize, type(lock).__name__))
    assert lock.recovered is None


def test_a_killed_holder_releases_it_and_the_next_is_warned(lock):
    holder = start_holder(lock)
    assert not lock.acquire(block=False)

    os.kill(holder.pid, signal.SIGKILL)
    with pytest.warns(RuntimeWarning, match=f"process {holder.pid} was killed while it held"):
        assert lock.acquire(timeout=30)
    assert lock.recovered == holder.pid
    lock.release()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert lock.acquire(timeout=30), "and is an ordinary lock again"
    lock.release()
    holder.join()


def test_a_lock_reaches_a_child_by_every_start_method(python, method):
    outcome = python(
        """
        import os, signal, sys
        import onecopy as mp

        def die_with(lock, ready):
            lock.acquire()
            ready.send(None)
            signal.pause()

        def leave_held(lock, ready):
            lock.acquire()
            ready.send(None)
            raise SystemExit(3)

        if __name__ == "__main__":
            context = mp.get_context(sys.argv[1])
            for lock in context.Lock(), context.RLock():
                for work in die_with, leave_held:
                    heard, ready = context.Pipe(duplex=False)
                    child = context.Process(target=work, args=(lock, ready))
                    child.start()
                    heard.recv()
                    print(lock.acquire(block=False), end=" ")
                    if work is die_with:
                        os.kill(child.pid, signal.SIGKILL)
                    child.join()
                    print(lock.acquire(timeout=0.5), lock.recovered == child.pid)
                    if work is die_with:
                        lock.release()
        """,
        method,
    )
    assert outcome.stdout == 2 * "False True True\nFalse False False\n", outcome


def test_where_warnings_are_errors_the_lock_is_not_taken(lock):
    kill(start_holder(lock))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning), lock:
            pass
    assert lock.acquire(timeout=30)
    lock.release()


def leave_held(lock, ready):
    lock.acquire()
    ready.send(None)


def test_a_holder_that_ends_in_the_usual_way_leaves_it_held():
    lock = mp.Lock()
    start_holder(lock, leave_held).join()

    assert not lock.acquire(timeout=0.2)
    assert lock.recovered is None
    lock.release()
    assert lock.acquire(timeout=30), "anybody may release it"
    lock.release()


def test_a_program_that_ends_leaves_its_locks_held(python):
    outcome = python(
        """
        import os
        import onecopy as mp

        lock = mp.Lock()
        heard, ready = mp.Pipe(duplex=False)
        child = os.fork()
        if child == 0:
            lock.acquire()
            raise SystemExit  # as a program does, through atexit
        os.waitpid(child, 0)
        print(lock.acquire(timeout=0.2), lock.recovered)
        """
    )
    assert outcome.stdout == "False None\n", outcome


def release_late(lock, go_on):
    go_on.recv()
    lock.release()


def test_a_release_that_comes_too_late_is_forgiven_once():
    lock = mp.Lock()
    heard, go_on = mp.Pipe(duplex=False)
    late = mp.Process(target=release_late, args=(lock, heard))
    late.start()
    kill(start_holder(lock))
    assert acquire_quietly(lock)

    go_on.send(None)
    late.join()
    assert late.exitcode == 0
    assert not lock.acquire(block=False), "it is held by this process still"
    lock.release()
    with pytest.raises(ValueError, match="semaphore or lock released too many times"):
        lock.release()


def test_an_rlock_is_its_threads_alone():
    lock = mp.RLock()
    answers = []

    def try_it():
        answers.append(lock.acquire(block=False))
        try:
            lock.release()
        except AssertionError as error:
            answers.append(str(error))

    with lock, lock:
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
    assert answers == [False, "attempt to release recursive lock not owned by thread"]
    assert lock.acquire(block=False)
    lock.release()


def test_a_time_out_holds(lock):
    holder = start_holder(lock)
    begin = time.monotonic()
    assert not lock.acquire(timeout=0.1)
    assert time.monotonic() - begin >= 0.1
    kill(holder)


def interrupt_while_waiting(lock, ready):
    ready.send(None)
    try:
        lock.acquire()
    except KeyboardInterrupt:
        ready.send("interrupted")


def test_waiting_answers_ctrl_c(lock):
    heard, ready = mp.Pipe(duplex=False)
    with lock:
        waiter = mp.Process(target=interrupt_while_waiting, args=(lock, ready))
        waiter.start()
        heard.recv()
        # The first may come before it waits, and be told of elsewhere.
        while not heard.poll(0.05):
            os.kill(waiter.pid, signal.SIGINT)
        assert heard.recv() == "interrupted"
    waiter.join()


def take_turns(lock, shared):
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            lock.acquire()
        shared[0] += 1
        shared[1] += 1
        lock.release()


@pytest.mark.parametrize("kind", KINDS)
def test_holders_and_waiters_are_killed_at_random(kind, nothing_leaks):
    seed = int(os.environ.get("ONECOPY_TEST_SEED") or random.randrange(2**31))
    print(f"ONECOPY_TEST_SEED={seed}")
    dice = random.Random(seed)
    lock = getattr(mp, kind)()
    shared = mp.RawArray("q", 2)

    def start():
        worker = mp.Process(target=take_turns, args=(lock, shared), daemon=True)
        worker.start()
        return worker

    workers = [start() for _ in range(3)]
    for _ in range(KILLS):
        time.sleep(dice.random() * 0.005)  # which moment that is, is the point of the test
        victim = dice.randrange(3)
        kill(workers[victim])
        workers[victim] = start()
        assert acquire_quietly(lock, 30)
        # One whose holder died in between may be behind; nobody else is inside now.
        assert shared[0] - shared[1] in range(KILLS + 1)
        first = list(shared)
        assert list(shared) == first
        lock.release()
    for worker in workers:
        kill(worker)
    assert acquire_quietly(lock, 30)
    lock.release()


def test_its_memory_is_freed_with_the_last_who_knows_it():
    mp.Lock()
    before = mp.memory()["shared"]
    lock = mp.Lock()
    assert mp.memory()["shared"] > before
    holder = start_holder(lock)
    del lock
    assert mp.memory()["shared"] > before, "the child has it still"
    kill(holder)
    assert mp.memory()["shared"] == before


def test_a_process_without_a_place_in_the_family_is_refused(python):
    outcome = python(
        """
        import os
        import onecopy as mp
        from onecopy import _engine

        lock = mp.Lock()
        try:
            while True:
                _engine.reserve_place()
        except OSError:
            pass
        child = os.fork()
        if child == 0:
            for call in lock.acquire, lock.release, lock.__enter__:
                try:
                    call()
                except OSError as error:
                    print("forked when its family was full" in str(error), flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        print(lock.acquire(block=False))
        """
    )
    assert outcome.stdout == 4 * "True\n", outcome
