"""Large arrays that several tasks of one call are given: stored once, a value for each task."""

import gc
import os
import signal
from itertools import repeat

import numpy as np
import pytest

import onecopy as mp
from onecopy import _engine

from .conftest import PATIENCE

SIZE = 200_000
BYTES = SIZE * 8


@pytest.fixture
def pool():
    with mp.Pool(2) as pool:
        yield pool


@pytest.fixture
def array():
    return np.arange(SIZE, dtype=np.int64)


def add_and_sum(array, number):
    array += number
    return int(array.sum())


def add_and_sum_both(both):
    return add_and_sum(*both)


def describe(array, _):
    return type(array), array.dtype, array.shape, array.flags.writeable, array.flags.f_contiguous


def give_back(array, _):
    return array


def write_at(array, number):
    array[number] = -number


def die_once(array, path):
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return int(array[-1])
    os.kill(os.getpid(), signal.SIGKILL)


def sums_in_tasks(array, numbers, chunksize):
    """Within one task it is one array for all its items, as under stock."""
    sums, added = [], 0
    for position, number in enumerate(numbers):
        added = number + (0 if position % chunksize == 0 else added)
        sums.append(int(array.sum()) + array.size * added)
    return sums


@pytest.mark.parametrize("chunksize", [1, 3])
def test_no_task_sees_what_another_does_to_it(pool, array, chunksize):
    before = array.copy()
    numbers = range(1, 13)
    for call, function in ((pool.starmap, add_and_sum), (pool.map, add_and_sum_both)):
        sums = call(function, list(zip(repeat(array), numbers)), chunksize)
        assert sums == sums_in_tasks(before, numbers, chunksize)
        assert (array == before).all()


def test_it_may_be_the_item_itself(pool, array):
    assert pool.map(np.sum, [array] * 10, 1) == [array.sum()] * 10


def test_it_is_copied_twice_at_the_most(pool, array):
    pool.starmap(describe, list(zip(repeat(array), range(4))), 1)
    before = _engine.trace()["bytes_copied"]
    pool.starmap(describe, list(zip(repeat(array), range(50))), 1)
    assert _engine.trace()["bytes_copied"] - before <= 2.1 * BYTES


def test_it_is_gone_with_the_call(pool, array):
    before = mp.memory()
    pool.starmap(describe, list(zip(repeat(array), range(20))), 1)
    gc.collect()
    after = mp.memory()
    assert after["shared"] == before["shared"]
    assert after["in_use"] - before["in_use"] < BYTES


@pytest.mark.parametrize(
    "make",
    [
        lambda array: array.reshape(400, -1).T,
        lambda array: array.astype([("a", "i8"), ("b", "f4")]),
        lambda array: array.astype("M8[s]"),
        lambda array: array.astype(">f8"),
        lambda array: array.astype("S9"),
        lambda array: array.astype(object),
        lambda array: array[::2],
        lambda array: array.view(np.ma.MaskedArray),
        lambda array: np.ndarray((), dtype=f"V{BYTES}"),
    ],
    ids=[
        "fortran",
        "structured",
        "dates",
        "big-endian",
        "bytes",
        "objects",
        "gaps",
        "masked",
        "0-d",
    ],
)
def test_arrays_of_all_kinds_arrive_as_from_one_task(pool, array, make):
    array = make(array)
    alone = pool.apply(describe, (array, 0))
    assert pool.starmap(describe, list(zip(repeat(array), range(6))), 1) == [alone] * 6


def test_what_cannot_be_written_cannot_be_written_there(pool, array):
    array.flags.writeable = False
    described = pool.starmap(describe, list(zip(repeat(array), range(6))), 1)
    assert {each[3] for each in described} == {False}


def test_what_a_task_gives_back_is_a_value(pool, array):
    came = pool.starmap(give_back, list(zip(repeat(array), range(6))), 1)
    came[0][:] = 0
    assert all((each == array).all() for each in came[1:])
    assert array[-1] == SIZE - 1


def test_a_shared_array_stays_shared(pool, array):
    shared = mp.share(array)
    pool.starmap(write_at, list(zip(repeat(shared), range(10))), 1)
    assert shared[:10].tolist() == [-number for number in range(10)]


def test_arrays_that_are_used_again_have_what_is_in_them_then(pool):
    array = np.zeros(SIZE)

    def items():
        for number in range(6):
            array[:] = number
            yield array, 0

    assert [each[0] for each in pool.starmap(give_back, items(), 1)] == [5.0] * 6  # as from a list
    came = list(pool.imap(np.max, (each for each, _ in items()), buffersize=1))
    assert came == list(range(6))


def change_and_look(array, holder):
    array[0] = 7
    return int(holder["array"][0])


def test_it_is_one_array_wherever_a_task_has_it(pool, array):
    """It stood apart from the one inside something else, from the second task on."""
    items = [(array, {"array": array})] * 6
    assert pool.starmap(change_and_look, items, 1) == [7] * 6


@pytest.mark.timeout(PATIENCE)
def test_a_task_that_is_tried_again_has_it(pool, array, tmp_path):
    paths = [tmp_path / str(number) for number in range(4)]
    items = list(zip(repeat(array), paths))
    assert pool.starmap(die_once, items, 1, retries=5) == [SIZE - 1] * 4
