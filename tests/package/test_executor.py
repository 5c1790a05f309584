"""The executor of concurrent.futures on the engine."""

import itertools
import os
import signal
import threading
import time
from concurrent.futures import Executor, wait

import pytest

import onecopy as mp

PATIENCE = 60


def square(x):
    return x * x


def own_pid(*_):
    return os.getpid()


@pytest.fixture
def executor():
    with mp.Executor(2) as executor:
        yield executor


def test_it_is_an_executor(executor):
    future = executor.submit(square, 3)
    assert isinstance(executor, Executor)
    assert (future.result(PATIENCE), future.done(), future.exception()) == (9, True, None)
    with pytest.raises(TypeError):
        executor.submit(square, "a").result(PATIENCE)


def test_map_gives_results_in_order(executor):
    assert list(executor.map(square, range(100))) == [n * n for n in range(100)]
    assert list(executor.map(pow, [2, 3, 4], [5, 2, 1], chunksize=2)) == [32, 9, 4]
    assert list(executor.map(square, [])) == []


def test_map_takes_of_an_endless_iterator_what_it_was_allowed(executor):
    taken = []
    endless = (taken.append(n) or n for n in itertools.count())
    results = executor.map(square, endless, buffersize=3)
    assert [next(results) for _ in range(5)] == [0, 1, 4, 9, 16]
    results.close()
    assert len(taken) <= 8


def test_sizes_below_one_are_refused(executor):
    with pytest.raises(ValueError, match="chunksize must be >= 1."):
        executor.map(square, [1], chunksize=0)
    with pytest.raises(ValueError, match="buffersize must be None or > 0"):
        executor.map(square, [1], buffersize=0)
    with pytest.raises(ValueError, match="max_workers must be greater than 0"):
        mp.Executor(0)


def test_a_dead_worker_fails_one_call(executor):
    futures = [
        executor.submit(os._exit, 1) if n == 5 else executor.submit(square, n) for n in range(20)
    ]
    wait(futures, PATIENCE)
    for number, future in enumerate(futures):
        if number == 5:
            assert isinstance(future.exception(), mp.WorkerDied)
        else:
            assert future.result() == number * number


def test_calls_are_cancelled_until_their_turn_has_come(executor):
    futures = [executor.submit(time.sleep, 0.2) for _ in range(10)]
    assert futures[-1].cancel() and not futures[0].cancel()
    executor.shutdown(cancel_futures=True)
    assert futures[0].result(PATIENCE) is None
    assert futures[-2].cancelled()
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(square, 1)


def test_shutdown_waits_for_what_was_submitted():
    executor = mp.Executor(1)
    futures = [executor.submit(square, n) for n in range(50)]
    executor.shutdown()
    assert [future.result(0) for future in futures] == [n * n for n in range(50)]


def test_workers_are_replaced_after_so_many_calls():
    with mp.Executor(1, max_tasks_per_child=2) as executor:
        assert len(set(executor.map(own_pid, range(6)))) == 3


def test_killed_workers_leave_nobody_waiting():
    executor = mp.Executor(2)
    futures = [executor.submit(time.sleep, 1000) for _ in range(10)]
    threading.Timer(0.1, executor.kill_workers).start()
    for future in futures:
        with pytest.raises(mp.WorkerDied, match="the workers were killed"):
            future.result(PATIENCE)


def test_an_initializer_is_run_in_each_worker():
    with mp.Executor(
        1, initializer=signal.signal, initargs=(signal.SIGUSR1, signal.SIG_IGN)
    ) as one:
        assert one.submit(signal.getsignal, signal.SIGUSR1).result(PATIENCE) == signal.SIG_IGN
