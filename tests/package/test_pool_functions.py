"""What a pool may be given to call."""

import functools
import sys

import numpy as np
import pytest

import onecopy as mp
from onecopy import _engine


@pytest.fixture(scope="module")
def pool():
    with mp.Pool(2) as pool:
        yield pool


class Counter:
    def __init__(self):
        self.calls = 0

    def count(self, _):
        self.calls += 1
        return self.calls


def add(x, y):
    return x + y


def test_lambdas_and_closures(pool):
    factor = 3
    assert pool.map(lambda x: factor * x, range(4)) == [0, 3, 6, 9]
    assert pool.apply(lambda x: factor * x, (2,)) == 6
    assert list(pool.imap(lambda x: factor * x, [5])) == [15]
    assert pool.apply(functools.partial(lambda x, y: x - y, 5), (2,)) == 3
    assert pool.map(functools.partial(lambda x, y: x - y, 5), [2]) == [3]


def test_partials_methods_and_objects(pool):
    assert pool.map(functools.partial(add, 1), range(3)) == [1, 2, 3]
    assert pool.map("a{}".format, range(3)) == ["a0", "a1", "a2"]
    assert pool.apply(str.upper, ("abc",)) == "ABC"


def test_a_chunk_does_not_see_what_another_did_to_the_function(pool):
    assert pool.map(Counter().count, range(4), 1) == [1] * 4
    assert pool.map(Counter().count, range(4), 4) == [1, 2, 3, 4]
    counter = Counter()
    assert [pool.apply(counter.count, (0,)) for _ in range(3)] == [1] * 3


def total(array, item):
    array[0] = 0
    return float(array.sum()) + item


def test_a_large_function_is_stored_once_and_each_task_has_its_own(pool):
    array = np.ones(1_000_000)
    before = _engine.trace()["bytes_copied"]
    results = pool.map(functools.partial(total, array), range(20), 1)
    assert results == [999_999.0 + n for n in range(20)]
    assert array[0] == 1
    assert _engine.trace()["bytes_copied"] - before < 2 * array.nbytes


def test_a_large_closure_is_stored_once(pool):
    text = "a" * 1_000_000
    assert pool.map(lambda n: len(text) + n, range(5), 1) == [1_000_000 + n for n in range(5)]


def test_a_lock_in_a_function_is_the_one_it_was(pool):
    lock = mp.Lock()
    with lock:
        taken = pool.map(functools.partial(try_lock, lock), range(2), 1)
        assert taken == [False, False]
        assert pool.apply(functools.partial(try_lock, lock), (0,)) is False


def try_lock(lock, _):
    return lock.acquire(False)


def test_what_nobody_can_pickle_is_refused_as_stock_does(pool):
    for call in (
        lambda: pool.apply(functools.partial(add, sys._getframe()), (1,)),
        lambda: pool.map(functools.partial(add, sys._getframe()), [1]),
        lambda: pool.apply(add, (1, lambda: 1)),
    ):
        with pytest.raises(Exception, match="pickle"):
            call()
    assert pool.apply(add, (1, 2)) == 3


def test_functions_typed_at_a_prompt(run_typed, method):
    typed = f"""
import onecopy as mp
pool = mp.get_context({method!r}).Pool(2)
def cube(x):
    return x ** 3

print(pool.map(cube, range(4)), pool.apply(cube, (5,)))
pool.terminate()
"""
    assert run_typed(typed).splitlines() == ["[0, 1, 8, 27] 125"]


@pytest.fixture
def run_typed(tmp_path):
    """What the interpreter prints of statements that are typed at its prompt."""
    import os
    import subprocess

    from .conftest import package_path

    def run(statements):
        done = subprocess.run(
            [sys.executable, "-i", "-q"],
            input=statements,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": package_path()},
            capture_output=True,
            text=True,
            timeout=100,
            check=True,
        )
        return done.stdout

    return run
