"""How many workers a pool has, and how many threads each of them gives to linear algebra."""

import os

import pytest

import onecopy as mp

PROCESSORS = len(os.sched_getaffinity(0))

PROGRAM = """
    import onecopy as mp
    import numpy
    import os, sys

    def threads_of_blas(_):
        import ctypes
        for line in open("/proc/self/maps"):
            for name in "scipy_openblas_get_num_threads64_", "openblas_get_num_threads64_":
                if "openblas" in line and hasattr(ctypes.CDLL(line.split()[-1]), name):
                    threads = getattr(ctypes.CDLL(line.split()[-1]), name)()
                    return threads, os.environ.get("OMP_NUM_THREADS")

    if __name__ == "__main__":
        method, workers = sys.argv[1], int(sys.argv[2])
        with mp.get_context(method).Pool(workers) as pool:
            print(*pool.apply(threads_of_blas, (0,)))
            print(*pool.apply(threads_of_blas, (0,)))
"""


@pytest.fixture
def told(python, method, monkeypatch):
    """What two tasks of a pool of so many workers told: threads, and what the environment says."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)

    def run(workers, **environment):
        outcome = python(PROGRAM, method, str(workers), **environment)
        assert outcome.code == 0, outcome
        return outcome.stdout.splitlines()

    return run


def test_workers_share_the_processors(told):
    assert told(1) == [f"{PROCESSORS} None"] * 2
    assert told(2 * PROCESSORS) == ["1 None"] * 2


def test_a_forked_worker_starts_no_thread_that_it_will_not_use(python):
    """Where OpenBLAS shows how many threads it has; from 0.3.34 on it does not, and starts them all
    before it can be told to use one. Multiplying starts none in either case."""
    program = """
        import onecopy as mp
        import ctypes
        import numpy
        import os

        def count():
            return len(os.listdir("/proc/self/task"))

        def threads(side):
            before = count()
            (numpy.ones((side, side)) @ numpy.ones((side, side))).trace()
            return before, count()

        def shows_its_threads():
            with open("/proc/self/maps") as maps:
                paths = {line.split()[-1] for line in maps if "openblas" in line}
            return all(hasattr(ctypes.CDLL(path), "blas_cpu_number") for path in paths)

        if __name__ == "__main__":
            processors = len(os.sched_getaffinity(0))
            threads(300)
            expected = 1 if shows_its_threads() else processors
            with mp.get_context("fork").Pool(2 * processors) as pool:
                assert set(pool.map(threads, [300] * 20, 1)) == {(expected, expected)}
    """
    assert python(program).code == 0


def test_what_the_user_set_wins(told):
    assert told(2 * PROCESSORS, OMP_NUM_THREADS="2") == [f"{min(2, PROCESSORS)} 2"] * 2


def test_a_pool_has_as_many_workers_as_there_are_processors_to_use(python):
    program = """
        import onecopy as mp
        import os
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        with mp.Pool() as pool:
            print(len(pool._pool), pool.map(abs, [-1, 2]))
    """
    with mp.Pool() as pool:
        assert len(pool._pool) <= PROCESSORS
    assert python(program).stdout == "1 [1, 2]\n"
