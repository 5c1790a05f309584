"""Pools over queues of the engine, inside the test's own process."""

import multiprocessing.pool
import os
import signal
import time

import pytest

import onecopy as mp


def square(x):
    return x * x


def sleep(seconds):
    time.sleep(seconds)


def own_pid(_):
    return os.getpid()


@pytest.fixture(params=["of the context", "stock class", "class of the package"])
def make_pool(request):
    """The ways to a pool; the stock class is given a context of Onecopy."""

    def make(*arguments, **keywords):
        if request.param == "of the context":
            return mp.Pool(*arguments, **keywords)
        if request.param == "stock class":
            return multiprocessing.pool.Pool(*arguments, context=mp.get_context(), **keywords)
        return mp.pool.Pool(*arguments, **keywords)

    return make


def test_it_is_a_pool_for_whoever_asks(make_pool):
    with make_pool(1) as pool:
        assert isinstance(pool, multiprocessing.pool.Pool)
        assert (len(pool._pool), pool._processes, pool._state) == (1, 1, "RUN")
        assert isinstance(pool.apply_async(square, (1,)), multiprocessing.pool.AsyncResult)
        assert isinstance(pool.map_async(square, [1]), multiprocessing.pool.MapResult)
        assert isinstance(pool.imap(square, [1]), multiprocessing.pool.IMapIterator)


def test_the_queues_of_stocks_class_are_of_the_engine():
    with multiprocessing.pool.Pool(1, context=mp.get_context()) as pool:
        for queue in (pool._inqueue, pool._outqueue, pool._change_notifier):
            assert type(queue).__module__ == "onecopy.queues"


def test_many_small_tasks(make_pool):
    with make_pool(3) as pool:
        assert pool.map(square, range(2000), chunksize=1) == [x * x for x in range(2000)]
        assert list(pool.imap(square, range(2000))) == [x * x for x in range(2000)]


def test_large_results_and_arguments(make_pool):
    big = [bytes([n]) * 1_000_000 for n in range(20)]
    with make_pool(2) as pool:
        assert pool.map(bytes.swapcase, big) == [each.swapcase() for each in big]


def test_workers_are_replaced(make_pool):
    with make_pool(2, maxtasksperchild=3) as pool:
        pids = pool.map(own_pid, range(30), chunksize=1)

        assert len(set(pids)) >= 10


@pytest.mark.parametrize("tasks", [0, 1, 100])
def test_ends_at_once_however_much_is_waiting(make_pool, tasks):
    pool = make_pool(2)
    results = [pool.apply_async(sleep, (1000,)) for _ in range(tasks)]
    pool.terminate()
    pool.join()

    assert not any(result.ready() for result in results)
    assert all(process.exitcode is not None for process in pool._pool)


def test_ends_again_and_again(make_pool):
    for _ in range(20):
        with make_pool(2) as pool:
            pool.map_async(square, range(1000), chunksize=1)


def test_closed_it_finishes_what_it_has(make_pool):
    pool = make_pool(2)
    result = pool.map_async(square, range(100), chunksize=1)
    pool.close()
    pool.join()

    assert result.get() == [x * x for x in range(100)]


def test_a_killed_idle_worker_is_replaced(make_pool):
    with make_pool(2) as pool:
        pool.map(own_pid, range(50), chunksize=1)
        victim = pool._pool[0].pid
        os.kill(victim, signal.SIGKILL)

        assert pool.map(square, range(100), chunksize=1) == [x * x for x in range(100)]
        while victim in {process.pid for process in pool._pool}:
            pool.apply(sleep, (0.01,))  # who waits looks for the dead
        assert pool.map(square, range(100), chunksize=1) == [x * x for x in range(100)]


def test_workers_that_are_no_daemons_go_with_a_killed_parent_too(python, method, soon_gone):
    outcome = python(
        """
        import onecopy as mp
        import multiprocessing.pool
        import os, signal, sys

        context = mp.get_context(sys.argv[1])

        class NoDaemon(context.Process):
            daemon = property(lambda self: False, lambda self, value: None)

        class Pool(multiprocessing.pool.Pool):
            @staticmethod
            def Process(ctx, *args, **kwds):
                return NoDaemon(*args, **kwds)

        if __name__ == "__main__":
            pool = Pool(2, context=context)
            assert pool.map(abs, [-1]) == [1]
            print(*[process.pid for process in pool._pool], flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        """,
        method,
    )
    pids = [int(pid) for pid in outcome.stdout.split()]

    assert len(pids) == 2, outcome
    assert soon_gone(pids)
