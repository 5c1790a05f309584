"""Workers of a pool that die, and what else never gives an answer by itself."""

import contextlib
import ctypes
import os
import random
import signal
import threading
import time
from concurrent.futures.process import BrokenProcessPool

import pytest

import onecopy as mp

KILLS = 1000 if os.environ.get("ONECOPY_TEST_LONG") else 40
PATIENCE = 60


def square(x):
    return x * x


def add(x, y):
    return x + y


def killed_at(number, victim):
    if number == victim:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def killed_at_three(number):
    return killed_at(number, 3)


def outcomes(results):
    """The values, and None where a worker died."""
    came = []
    iterator = iter(results)
    while True:
        try:
            came.append(next(iterator))
        except StopIteration:
            return came
        except mp.WorkerDied:
            came.append(None)


def test_the_task_that_a_worker_dies_in_says_so():
    with mp.Pool(2) as pool, pytest.raises(mp.WorkerDied) as caught:
        pool.apply(os._exit, (3,))

    assert isinstance(caught.value, (mp.ProcessError, BrokenProcessPool))
    assert caught.value.exitcode == 3 and caught.value.pid
    assert str(caught.value).endswith("exited with code 3 while it did this task")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_the_signal_is_named(number):
    with mp.Pool(1) as pool:
        pid = pool.apply(os.getpid)
        with pytest.raises(mp.WorkerDied, match=f"was killed by {number.name} while") as caught:
            pool.apply(signal.raise_signal, (number,))

    assert (caught.value.pid, caught.value.exitcode) == (pid, -number)


def test_a_crash_is_a_death():
    with mp.Pool(1) as pool, pytest.raises(mp.WorkerDied, match="killed by SIGSEGV"):
        pool.apply(ctypes.string_at, (0,))


def test_every_other_task_is_done():
    with mp.Pool(2) as pool:
        results = [pool.apply_async(killed_at_three, (n,)) for n in range(40)]
        for number, result in enumerate(results):
            if number == 3:
                with pytest.raises(mp.WorkerDied):
                    result.get(PATIENCE)
            else:
                assert result.get(PATIENCE) == number
        assert len(pool._pool) == 2


def test_maps_fail_when_the_rest_is_done():
    with mp.Pool(2) as pool:
        for call in (pool.map, lambda f, xs: pool.map_async(f, xs, 1).get(PATIENCE)):
            with pytest.raises(mp.WorkerDied):
                call(killed_at_three, range(20))
        with pytest.raises(mp.WorkerDied):
            pool.starmap(killed_at, [(n, 3) for n in range(20)], 2)
        assert pool.map(square, range(20)) == [n * n for n in range(20)]


def test_iterators_go_on_after_the_lost_task():
    with mp.Pool(2) as pool:
        assert outcomes(pool.imap(killed_at_three, range(10))) == [0, 1, 2, None, *range(4, 10)]
        came = outcomes(pool.imap_unordered(killed_at_three, range(10)))
        assert sorted(n for n in came if n is not None) == [0, 1, 2, *range(4, 10)]


def test_an_idle_worker_that_dies_takes_no_task_with_it():
    with mp.Pool(2) as pool:
        pool.map(square, range(20), 1)
        for _ in range(5):
            os.kill(pool._pool[0].pid, signal.SIGKILL)
            assert pool.map(square, range(100), 1) == [n * n for n in range(100)]


def test_workers_are_killed_at_random_while_maps_run(nothing_leaks):
    seed = int(os.environ.get("ONECOPY_TEST_SEED") or random.randrange(2**31))
    print(f"ONECOPY_TEST_SEED={seed}")
    dice = random.Random(seed)
    kills = done = 0
    pool = mp.Pool(3)

    def kill_now_and_then():
        nonlocal kills
        while kills < KILLS:
            time.sleep(dice.random() * 0.01)
            workers = list(pool._pool)
            with contextlib.suppress(IndexError, ProcessLookupError):  # nobody is there to kill
                os.kill(dice.choice(workers).pid, signal.SIGKILL)
                kills += 1

    killer = threading.Thread(target=kill_now_and_then)
    killer.start()
    while killer.is_alive():
        size = dice.randrange(1, 60)
        wanted = [n * n for n in range(size)]
        kind = dice.randrange(4)
        if kind == 0:
            results = [pool.apply_async(square, (n,)) for n in range(size)]
            for number, result in enumerate(results):
                try:
                    assert result.get(PATIENCE) == number * number
                    done += 1
                except mp.WorkerDied:
                    pass
        elif kind == 1:
            try:
                assert pool.map(square, range(size), dice.choice([None, 1, 7])) == wanted
                done += size
            except mp.WorkerDied:
                pass
        elif kind == 2:
            came = outcomes(pool.imap(square, range(size)))
            assert all(came[n] in (None, n * n) for n in range(size))
            done += size - came.count(None)
        else:
            came = [n for n in outcomes(pool.imap_unordered(square, range(size))) if n is not None]
            assert len(set(came)) == len(came) and set(came) <= set(wanted)
            done += len(came)
    killer.join()
    assert pool.map(square, range(100)) == [n * n for n in range(100)]
    pool.close()
    pool.join()
    print(f"{kills} kills, {done} tasks done")
    assert kills == KILLS and done > 0


def test_workers_that_die_one_after_the_other_break_the_pool():
    with mp.Pool(2) as pool:
        results = [pool.apply_async(os._exit, (1,)) for _ in range(100)]
        for result in results:
            with pytest.raises(mp.WorkerDied):
                result.get(PATIENCE)
        with pytest.raises(mp.WorkerDied, match="the pool is broken: .* have died one after"):
            results[-1].get()
        with pytest.raises(mp.WorkerDied, match="the pool is broken"):
            pool.map(square, range(3))


def fail_to_begin(word):
    raise ValueError(word)


def test_an_initializer_that_fails_is_told_to_the_caller():
    with mp.Pool(2, fail_to_begin, ("not today",)) as pool:
        said = r"the initializer of a worker failed: ValueError\('not today'\)"
        with pytest.raises(mp.WorkerDied, match=said) as caught:
            pool.map(square, range(10))
        assert "in fail_to_begin" in str(caught.value.__cause__)
        with pytest.raises(mp.WorkerDied):
            pool.apply(square, (3,))


def raise_it(exception):
    raise exception


@pytest.mark.parametrize("exception", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_what_is_no_exception_is_raised_at_the_caller(exception):
    with mp.Pool(1) as pool:
        pid = pool.apply(os.getpid)
        with pytest.raises(type(exception)):
            pool.apply(raise_it, (exception,))
        assert pool.apply(os.getpid) == pid


class OddError(Exception):
    """Pickled well, and not to be made again."""

    def __init__(self, first, second):
        super().__init__(first)


class Odd:
    """Raises where it is unpickled."""

    def __reduce__(self):
        return raise_it, (KeyError("no more"),)


def raise_odd():
    raise OddError(1, 2)


def make_odd():
    return Odd()


def test_what_cannot_be_made_again_is_an_error_at_the_caller():
    with mp.Pool(1) as pool:
        with pytest.raises(TypeError, match="second"):
            pool.apply(raise_odd)
        with pytest.raises(KeyError, match="no more"):
            pool.apply(make_odd)
        with pytest.raises(KeyError, match="no more"):
            pool.apply(square, (Odd(),))
        with pytest.raises(KeyError, match="no more"):
            list(pool.imap(square, [Odd()]))
        assert pool.apply(square, (3,)) == 9


def test_ctrl_c_leaves_idle_workers_alone():
    with mp.Pool(2) as pool:
        before = {worker.pid for worker in pool._pool}
        pool.map(own_pid, range(20), 1)
        for pid in before:
            os.kill(pid, signal.SIGINT)
        assert set(pool.map(own_pid, range(20), 1)) <= before
        assert {worker.pid for worker in pool._pool} == before


def own_pid(_):
    return os.getpid()


def take_long(seconds):
    time.sleep(seconds)


def ended_within_a_second(pool):
    begin = time.monotonic()
    pool.terminate()
    return time.monotonic() - begin < 5  # a second, on a machine that does nothing else


def test_terminate_ends_what_ignores_it():
    pool = mp.Pool(1)
    pool.apply(signal.signal, (signal.SIGTERM, signal.SIG_IGN))
    pool.apply_async(take_long, (1000,))
    assert ended_within_a_second(pool)
    pool.join()


def test_terminate_from_a_callback_and_from_a_thread():
    answers = []
    pool = mp.Pool(2)
    pool.apply_async(square, (2,), callback=lambda _: answers.append(ended_within_a_second(pool)))
    other = mp.Pool(2)
    thread = threading.Thread(target=lambda: answers.append(ended_within_a_second(other)))
    thread.start()
    thread.join()
    pool.close()
    pool.join()
    assert answers == [True, True]


def test_who_waits_while_the_pool_is_terminated_is_told():
    pool = mp.Pool(1)
    result, items = pool.apply_async(take_long, (1000,)), pool.imap(take_long, [1000])
    errors = []

    def wait_for(get):
        try:
            get()
        except mp.ProcessError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=wait_for, args=(get,)) for get in (result.get, items.next)]
    for thread in threads:
        thread.start()
    pool.terminate()
    for thread in threads:
        thread.join(PATIENCE)
    assert errors == ["the pool was terminated before this was done"] * 2
    assert not result.ready()


def test_a_dead_worker_is_found_by_who_only_asks():
    with mp.Pool(1) as pool:
        result = pool.apply_async(os._exit, (1,))
        end = time.monotonic() + PATIENCE
        while not result.ready() and time.monotonic() < end:
            time.sleep(0.01)
        assert not result.successful()


def test_who_is_called_while_the_pool_is_waited_for_may_wait_for_it_too():
    came = []
    with mp.Pool(2) as pool:
        before = signal.signal(signal.SIGALRM, lambda *_: came.append(pool.apply(square, (3,))))
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            assert pool.apply(take_long, (0.5,)) is None
        finally:
            signal.signal(signal.SIGALRM, before)
        assert came == [9]
        result = pool.apply_async(
            square, (4,), callback=lambda _: came.append(pool.apply(square, (5,)))
        )
        assert result.get(PATIENCE) == 16
        assert came == [9, 25]
