"""What a call allows each of its tasks: seconds, and further tries."""

import os
import signal
import threading
import time

import pytest

import onecopy as mp

PATIENCE = 60


def square(x):
    return x * x


def hang_at_three(number):
    if number == 3:
        time.sleep(1000)
    return number


def die_until(path, tries):
    """Kills this process, but for the last of so many tries, each of which leaves a line."""
    with open(path, "a") as notes:
        notes.write(f"{os.getpid()}\n")
    with open(path) as notes:
        if len(notes.readlines()) < tries:
            os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def die_at_three_at_first(path, number):
    return die_until(path, 2) if number == 3 else number


def test_the_one_task_that_takes_too_long_fails():
    with mp.Pool(2) as pool:
        with pytest.raises(mp.TimeoutError, match="not done in 0.2 seconds"):
            pool.apply(hang_at_three, (3,), timeout=0.2)
        results = [pool.apply_async(hang_at_three, (n,), timeout=1) for n in range(20)]
        with pytest.raises(mp.TimeoutError):
            results[3].get(PATIENCE)
        assert [r.get(PATIENCE) for n, r in enumerate(results) if n != 3] == [
            n for n in range(20) if n != 3
        ]
        while len(pool._pool) < 2:  # the replacement comes after the error is told
            assert pool.apply(abs, (-1,)) == 1


def test_a_map_fails_when_the_rest_is_done_and_an_iterator_goes_on():
    with mp.Pool(2) as pool:
        with pytest.raises(mp.TimeoutError):
            pool.map(hang_at_three, range(10), timeout=0.2)
        came = []
        items = pool.imap(hang_at_three, range(10), timeout=1)
        for _ in range(10):
            try:
                came.append(next(items))
            except mp.TimeoutError:
                came.append("late")
        assert came == [0, 1, 2, "late", *range(4, 10)]


def test_time_passes_where_nobody_waits():
    late = threading.Event()
    with mp.Pool(1) as pool:
        pool.apply_async(time.sleep, (1000,), error_callback=lambda _: late.set(), timeout=0.2)
        assert late.wait(PATIENCE)
        assert pool.apply(square, (3,)) == 9


def test_tasks_that_are_done_in_time_are_let_alone():
    with mp.Pool(2) as pool:
        before = {worker.pid for worker in pool._pool}
        assert pool.map(square, range(1000), 1, timeout=PATIENCE) == [n * n for n in range(1000)]
        assert {worker.pid for worker in pool._pool} == before


def test_a_task_is_tried_again_as_often_as_was_asked(tmp_path):
    notes = tmp_path / "notes"
    with mp.Pool(2) as pool:
        assert pool.apply(die_until, (notes, 3), retries=2) == "done"
        assert len(set(notes.read_text().split())) == 3
        notes.unlink()
        with pytest.raises(mp.WorkerDied):
            pool.apply(die_until, (notes, 3), retries=1)
        assert len(notes.read_text().split()) == 2


def test_maps_and_iterators_try_again_too(tmp_path):
    arguments = [(tmp_path / "map", number) for number in range(6)]
    wanted = [0, 1, 2, "done", 4, 5]
    with mp.Pool(2) as pool:
        assert pool.starmap(die_at_three_at_first, arguments, retries=1) == wanted
        (tmp_path / "map").unlink()
        result = pool.starmap_async(die_at_three_at_first, arguments, 2, retries=1)
        assert result.get(PATIENCE) == wanted


def test_what_cannot_be_meant_is_refused():
    with mp.Pool(1) as pool:
        for limits, said in (
            ({"timeout": 0}, "timeout must be more than 0 seconds, not 0"),
            ({"timeout": -1.5}, "timeout must be more than 0 seconds, not -1.5"),
            ({"retries": -1}, "retries must be 0 or more, not -1"),
        ):
            with pytest.raises(ValueError, match=said):
                pool.apply(square, (3,), **limits)
            with pytest.raises(ValueError, match=said):
                pool.map(square, [3], **limits)
        assert pool.apply(square, (3,)) == 9
