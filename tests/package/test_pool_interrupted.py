"""An exception of a signal handler, between any two steps of a thread that waits for a pool."""

import gc
import signal
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count

import pytest

import onecopy as mp

from .conftest import PATIENCE

WAITING = (
    "_pool_dispatch.py",
    "_pool_iterators.py",
    "_pool_leading.py",
    "_pool_results.py",
    "_pool_streams.py",
    "_pool_tasks.py",
)
STEPS = 400  # more than the waiting for one answer takes


class HandlerError(Exception):
    pass


class InterruptingState:
    """Reading it is interrupted, as by Ctrl-C."""

    def __setstate__(self, state):
        raise KeyboardInterrupt

    def __getstate__(self):
        return 1


def nothing(item):
    return item


def interrupting(item):
    return InterruptingState()


def interrupt(step, call):
    """Calls it, and raises HandlerError where a signal handler might: before the step-th
    instruction of the code that waits."""

    def trace(frame, event, _):
        nonlocal step
        if not frame.f_code.co_filename.endswith(WAITING):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            step -= 1
            if step == 0:
                sys.settrace(None)
                raise HandlerError
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with suppress(HandlerError):
            call()
    finally:
        sys.settrace(before)


@pytest.fixture
def elsewhere():
    """Runs a call in another thread, and gives what it gives."""
    with ThreadPoolExecutor(1) as executor:
        yield lambda call, *arguments: executor.submit(call, *arguments).result(PATIENCE)


@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside-another-thread"])
def test_no_step_of_waiting_leaves_others_waiting(beside, elsewhere):
    """A lock was taken and never released, or the thread led for good without knowing it."""
    ended = threading.Event()
    with mp.Pool(2) as pool:

        def work():
            done = 0
            while not ended.is_set():
                assert pool.apply(nothing, (done,)) == done
                done += 1
            return done

        with ThreadPoolExecutor(1) as executor:
            worked = executor.submit(work) if beside else None
            try:
                for step in range(1, STEPS):
                    result = pool.apply_async(nothing, (step,))
                    interrupt(step, result.get)
                    assert elsewhere(result.get, PATIENCE) == step
            finally:
                ended.set()
            assert worked is None or worked.result(PATIENCE) > 0


@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("call", ["imap", "imap_unordered"])
def test_no_step_of_an_iterator_leaves_it_without_an_end(call, elsewhere):
    """What feeds it was taken and never given back: nothing was sent any more."""
    with mp.Pool(2) as pool:
        for step in range(1, STEPS):
            iterator = getattr(pool, call)(nothing, range(20), buffersize=4)
            interrupt(step, iterator.next)
            with suppress(HandlerError):  # it came in the middle of sending
                assert len(elsewhere(list, iterator)) >= 19
            assert elsewhere(pool.apply, nothing, (step,)) == step


@pytest.mark.timeout(PATIENCE)
def test_an_interruption_while_an_answer_is_read_is_raised_at_once():
    """It waited until the map was over."""
    with mp.Pool(1) as pool:
        answer = pool.apply_async(interrupting, (0,))
        others = pool.map_async(nothing, range(10), 1)
        with pytest.raises(KeyboardInterrupt):
            others.get(PATIENCE)
        assert others.get(PATIENCE) == list(range(10))
        with pytest.raises(KeyboardInterrupt):
            answer.get(PATIENCE)


@pytest.mark.timeout(PATIENCE)
def test_an_answer_that_interrupts_its_reader_does_not_end_the_thread_that_calls_back():
    with mp.Pool(1) as pool:
        called = threading.Event()
        pool.apply_async(interrupting, (0,), error_callback=lambda _: called.set())
        assert called.wait(PATIENCE)
        assert pool.apply_async(nothing, (1,), callback=nothing).get(PATIENCE) == 1


@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("call", ["imap", "imap_unordered"])
def test_an_iterator_that_is_left_early_does_not_keep_its_pool(call):
    pool = mp.Pool(1)
    (worker,) = pool._pool
    iterator = getattr(pool, call)(nothing, count())
    assert next(iterator) == 0
    is_there = weakref.ref(pool)
    with pytest.warns(ResourceWarning, match="unclosed"):
        del pool, iterator
        gc.collect()
    assert is_there() is None
    worker.join(PATIENCE)
    assert not worker.is_alive()


@pytest.mark.timeout(PATIENCE)
def test_an_iterator_keeps_its_pool_as_long_as_there_may_be_more():
    iterator = mp.Pool(1).imap(nothing, range(100))
    gc.collect()
    with pytest.warns(ResourceWarning, match="unclosed"):
        assert list(iterator) == list(range(100))
        gc.collect()


@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("callback", [None, nothing], ids=["plain", "called-back"])
def test_a_handler_of_the_leader_may_use_the_pool(callback):
    """It waited for the thread that calls back to lead, which waited for it to be done."""
    with mp.Pool(2) as pool:
        came = []

        def handle(number, frame):
            came.append(pool.apply_async(nothing, (5,), callback=callback).get(PATIENCE))

        before = signal.signal(signal.SIGALRM, handle)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            assert pool.apply(time.sleep, (1,)) is None
        finally:
            signal.signal(signal.SIGALRM, before)
        assert came == [5]


@pytest.mark.timeout(PATIENCE)
def test_a_handler_of_the_leader_may_look_without_waiting():
    with mp.Pool(2) as pool:
        answer = pool.apply_async(nothing, (5,))
        came = []

        def handle(number, frame):
            with suppress(mp.TimeoutError):
                came.append(answer.get(0))

        before = signal.signal(signal.SIGALRM, handle)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            assert pool.apply(time.sleep, (1,)) is None
        finally:
            signal.signal(signal.SIGALRM, before)
        assert came == [5]


@pytest.mark.timeout(PATIENCE)
def test_an_iterator_that_is_interrupted_at_its_end_does_not_hold_up_join():
    """Its job stayed for good where the interruption came between the last sending and the look
    whether all is done."""
    with mp.Pool(1) as pool:
        for step in range(1, STEPS):
            iterator = pool.imap(nothing, iter(range(2)), buffersize=1)
            assert next(iterator) == 0
            interrupt(step, iterator.next)
            with suppress(HandlerError):
                list(iterator)
        pool.close()
        pool.join()
        assert not pool._cache
