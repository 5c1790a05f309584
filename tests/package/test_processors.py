"""On which processors the workers of a pool run, where the program says so."""

import os
import time

import pytest

import onecopy as mp
from onecopy._processors import Placement

ALLOWED = sorted(os.sched_getaffinity(0))
FIRST, LAST = ALLOWED[0], ALLOWED[-1]

PATIENCE = 60

several = pytest.mark.skipif(len(ALLOWED) < 2, reason="there is one processor")


def sets_seen(pool):
    """Those of the workers that did the tasks."""
    return pool.map(os.sched_getaffinity, [0] * 20, 1)


def sets_of(pool):
    """Those of all workers, as their parent sees them."""
    return [sorted(os.sched_getaffinity(worker.pid)) for worker in pool._pool]


def wait_until(is_so):
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_all_workers_use_those_that_are_named(method):
    with mp.get_context(method).Pool(2, cpus=[LAST]) as pool:
        assert all(each == {LAST} for each in sets_seen(pool))
        assert os.sched_getaffinity(0) == set(ALLOWED)


@several
def test_each_worker_uses_its_own(method):
    with mp.get_context(method).Pool(cpus=[{FIRST}, {LAST}]) as pool:
        assert len(pool._pool) == 2
        assert all(each in ({FIRST}, {LAST}) for each in sets_seen(pool))
        wait_until(lambda: sorted(sets_of(pool)) == [[FIRST], [LAST]])


def test_there_are_as_many_workers_as_processors():
    for cpus, workers in ((set(ALLOWED), len(ALLOWED)), ((FIRST,), 1), ([[FIRST]] * 3, 3)):
        with mp.Pool(cpus=cpus) as pool:
            assert len(pool._pool) <= workers
            assert pool.map(abs, [-1, 2]) == [1, 2]


def test_a_worker_that_takes_the_place_of_another_uses_its_processors():
    with mp.Pool(cpus=[{FIRST}, {LAST}], maxtasksperchild=1) as pool:
        assert all(each in ({FIRST}, {LAST}) for each in sets_seen(pool))
        with pytest.raises(mp.WorkerDied):
            pool.apply(os._exit, (1,))
        assert all(each in ({FIRST}, {LAST}) for each in sets_seen(pool))


def test_an_executor_takes_them_too():
    with mp.Executor(cpus=[LAST]) as executor:
        assert list(executor.map(os.sched_getaffinity, [0] * 3)) == [{LAST}] * 3


@pytest.mark.parametrize(
    "cpus, error, said",
    [
        ({LAST + 7}, ValueError, f"names processor {LAST + 7}, and this process may use {FIRST}"),
        ([{FIRST}, {-1}], ValueError, "names processor -1, and this process may use"),
        ([], ValueError, "must name a processor for each worker"),
        ([{FIRST}, set()], ValueError, "must name a processor for each worker"),
        (2, TypeError, "must be numbers of processors, such as {0, 1}, .* not 2"),
        ("0", TypeError, "must be numbers of processors"),
        ([{FIRST}, FIRST], TypeError, "must be numbers of processors"),
    ],
)
def test_what_cannot_be_used_is_refused(cpus, error, said):
    with pytest.raises(error, match=f"^cpus {said}"):
        mp.Pool(cpus=cpus)


@pytest.mark.parametrize(
    "cpus, workers, threads",
    [
        (ALLOWED, 1, [len(ALLOWED)]),
        (ALLOWED, len(ALLOWED), [1] * len(ALLOWED)),
        ([ALLOWED, [FIRST]], 3, [max(1, len(ALLOWED) // 2), 1, max(1, len(ALLOWED) // 2)]),
    ],
)
def test_the_threads_of_a_worker_are_its_part_of_its_processors(cpus, workers, threads):
    placement = Placement(cpus)

    assert [placement.share(number, workers)[1] for number in range(workers)] == threads
