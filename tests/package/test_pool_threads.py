"""Pools whose answers come in one thread and are waited for in another."""

import os
import signal
import sys
import threading

import pytest

import onecopy as mp

from .conftest import PATIENCE


class AlarmError(Exception):
    pass


def nothing(item):
    return item


@pytest.fixture
def threads_that_switch_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("call", ["imap", "imap_unordered"])
def test_an_iterator_gives_all_that_another_thread_takes_in(call, threads_that_switch_often):
    """An arrival was seen before its outcome was there, and dropped: the last never came."""
    with mp.Pool(2) as pool:
        pool.apply_async(nothing, (0,), callback=nothing).get(PATIENCE)  # now a thread leads
        for _ in range(60):
            assert sorted(getattr(pool, call)(nothing, range(300))) == list(range(300))


def test_callbacks_run_in_a_thread_of_the_pool():
    """Those of tasks that cannot be sent, and of answers that are quick, ran in the caller's."""
    called = []

    def note(_):
        called.append(threading.current_thread())

    with mp.Pool(2) as pool:
        with pytest.raises(TypeError):
            pool.apply_async(nothing, (threading.Lock(),), error_callback=note).get(PATIENCE)
        results = [pool.apply_async(nothing, (n,), callback=note) for n in range(2000)]
        assert [result.get(PATIENCE) for result in results] == list(range(2000))
    assert len(called) == 2001
    assert len(set(called)) == 1
    assert called[0] is not threading.current_thread()


def test_a_callback_may_take_a_lock_that_the_caller_holds():
    lock = threading.Lock()
    done = threading.Event()

    def take(_):
        with lock:
            done.set()

    with mp.Pool(1) as pool:
        with lock:
            pool.apply_async(nothing, (threading.Lock(),), error_callback=take)
        assert done.wait(PATIENCE)


def test_an_interrupted_termination_can_be_repeated():
    def interrupt(number, frame):
        raise AlarmError

    pool = mp.Pool(2, signal.signal, (signal.SIGTERM, signal.SIG_IGN))
    pool.map(nothing, range(4), 1)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(AlarmError):
            pool.terminate()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    pool.terminate()
    pool.join()
    assert all(worker.exitcode is not None for worker in pool._pool)


def interrupted_by(moment):
    """An iterable that is interrupted when it comes to an item."""
    for item in range(40):
        if item == moment:
            os.kill(os.getpid(), signal.SIGALRM)
        yield item


@pytest.mark.parametrize("call", ["imap", "imap_unordered"])
def test_an_iterator_that_was_interrupted_ends(call):
    def interrupt(number, frame):
        raise AlarmError

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with mp.Pool(2) as pool:
            results = getattr(pool, call)(nothing, interrupted_by(20))
            with pytest.raises(AlarmError):
                for _ in results:
                    pass
            assert pool.map(nothing, range(10)) == list(range(10))
            pool.close()
            pool.join()
    finally:
        signal.signal(signal.SIGALRM, before)
