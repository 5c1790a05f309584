"""Integers about the size of one digit of Python's, made and read without its own functions."""

import operator
import os
import subprocess
import sys
import tracemalloc

import pytest

from onecopy import _engine

DIGIT = sys.int_info.bits_per_digit

EDGES = sorted(
    {
        sign * (base + step)
        for sign in (1, -1)
        for base in (0, 5, 256, 2 ** (DIGIT - 1), 2**DIGIT, 2 ** (DIGIT + 1), 2 ** (2 * DIGIT))
        for step in range(-2, 3)
    }
)


def echo(value):
    queue = _engine.Queue()
    queue.put(value)
    return queue.get()


@pytest.mark.parametrize(
    "received",
    [[echo(number) for number in EDGES], echo(EDGES), echo(EDGES * 1000)[: len(EDGES)]],
    ids=["alone", "listed", "in-bulk"],
)
def test_they_are_integers_in_every_respect(received):
    assert received == EDGES
    for number, sent in zip(received, EDGES):
        assert type(number) is int
        assert hash(number) == hash(sent)
        assert str(number) == str(sent)
        assert number.bit_length() == sent.bit_length()
        assert sys.getsizeof(number) == sys.getsizeof(sent)
        assert number.to_bytes(20, "little", signed=True) == sent.to_bytes(
            20, "little", signed=True
        )
        for operation in (operator.add, operator.sub, operator.mul, operator.and_, operator.or_):
            for other in (1, -1, 2**DIGIT, sent):
                assert operation(number, other) == operation(sent, other)


def test_small_ones_are_those_of_the_interpreter():
    small = list(range(-5, 257))
    assert all(map(operator.is_, echo(small), small))
    assert all(echo(number) is number for number in small)


def test_they_are_freed():
    numbers = list(range(10_000, 30_000))
    echo(numbers)  # whatever is kept is there by now
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(5):
            assert echo(numbers) == numbers
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 100_000


def test_they_are_counted_from_the_first_reference_on():
    """Memory that was used before may look like an object that is never freed."""
    program = """
import sys
from onecopy import _engine

queue = _engine.Queue()
numbers = list(range(1000, 60_000))
for _ in range(3):
    queue.put(numbers)
    assert all(sys.getrefcount(number) < 10 for number in queue.get())
"""
    for allocator in ("pymalloc", "pymalloc_debug", "malloc_debug"):
        environment = dict(os.environ, PYTHONMALLOC=allocator)
        subprocess.run([sys.executable, "-c", program], env=environment, check=True)
