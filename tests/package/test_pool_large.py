"""Pools with more tasks, and with more workers, than there is anything to gain from."""

import os
import signal

import pytest

import onecopy as mp

LONG = "ONECOPY_TEST_LONG" in os.environ
TASKS = 1_000_000 if LONG else 30_000
WORKERS = 64
MB = 1_000_000
PATIENCE = 800 if LONG else 100

GATHER = """
import onecopy as mp
import sys

def same(number):
    return number

def peak(pid="self"):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

if __name__ == "__main__":
    tasks = int(sys.argv[1])
    with mp.Pool(2) as pool:
        pool.map(same, range(100), 1)
        before = peak()
        results = [pool.apply_async(same, (number,)) for number in range(tasks)]
        print(all(result.get() == number for number, result in enumerate(results)))
        print(peak() - before, mp.memory()["highest_resident"])
        print(max(peak(worker.pid) for worker in pool._pool))
"""


@pytest.mark.timeout(PATIENCE + 20)
def test_many_tasks_take_some_hundred_bytes_each(python):
    """...which are those of their results. What is sent is gone when it is answered."""
    outcome = python(GATHER, str(TASKS), patience=PATIENCE)
    assert outcome.code == 0, outcome

    right, *figures = outcome.stdout.split()
    here, shared, worker = map(int, figures)
    assert right == "True"
    assert here < 600 * TASKS + 64 * MB
    assert shared < 200 * TASKS + 64 * MB
    assert worker < 200 * TASKS + 128 * MB


def square(number):
    return number * number


def hold_up(barrier, number):
    barrier.wait(PATIENCE)
    return number


@pytest.mark.timeout(PATIENCE + 20)
def test_many_workers_work_at_the_same_time():
    barrier = mp.Barrier(WORKERS)
    with mp.Pool(WORKERS) as pool:
        assert len({worker.pid for worker in pool._pool}) == WORKERS
        together = pool.starmap(hold_up, [(barrier, n) for n in range(WORKERS)], 1)
        assert together == list(range(WORKERS))
        for chunksize in (None, 1, 7):
            assert pool.map(square, range(5000), chunksize) == [n * n for n in range(5000)]
        assert list(pool.imap(square, range(2000))) == [n * n for n in range(2000)]


@pytest.mark.timeout(PATIENCE + 20)
def test_many_workers_that_die_are_replaced():
    with mp.Pool(WORKERS) as pool:
        killed = {worker.pid for worker in pool._pool[::2]}
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        assert pool.map(square, range(1000), 1, retries=9) == [n * n for n in range(1000)]
        while killed & {worker.pid for worker in pool._pool}:
            assert pool.apply(square, (3,)) == 9
        pool.close()
        pool.join()
        assert all(worker.exitcode == 0 for worker in pool._pool)
