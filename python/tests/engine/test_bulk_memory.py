"""Lists so large that they are built in memory made ready for them."""

import os
import random
import subprocess
import sys

import pytest

from onecopy import _engine

COUNT = 400_000


def echo(message):
    queue = _engine.Queue()
    queue.put(message)
    return queue.get()


@pytest.mark.parametrize(
    "message",
    [
        [number / 7 for number in range(COUNT)],
        list(range(-COUNT // 2, COUNT // 2)),
        [f"text {number}" for number in range(COUNT)],
        {f"key {number}": number / 7 for number in range(COUNT)},
        [{number} for number in range(COUNT // 4)],
    ],
    ids=["floats", "ints", "strings", "dict", "pickled"],
)
def test_large_messages_arrive_in_fresh_and_in_warm_memory(message):
    for _ in range(3):
        assert echo(message) == message


def test_lists_of_other_sizes_take_turns():
    generator = random.Random(1)
    kept = []
    for _ in range(30):
        count = generator.choice([10, 5_000, 40_000, COUNT])
        numbers = [generator.random() for _ in range(count)]
        kept = [*kept[-2:], (numbers, echo(numbers))]
        assert all(sent == received for sent, received in kept)


def test_a_fork_shares_no_memory_that_was_kept():
    numbers = [number / 7 for number in range(COUNT)]
    assert echo(numbers) == numbers  # its memory is given back, and kept
    child = os.fork()
    if child == 0:
        os._exit(0 if echo(numbers[::-1]) == numbers[::-1] else 1)
    received = echo(numbers)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert received == numbers


@pytest.mark.parametrize("allocator", ["pymalloc_debug", "malloc", "malloc_debug"])
def test_other_allocators_of_python_serve_too(allocator):
    program = f"""
from onecopy import _engine
queue = _engine.Queue()
numbers = [number / 7 for number in range({COUNT})]
for _ in range(2):
    queue.put(numbers)
    assert queue.get() == numbers
"""
    environment = {**os.environ, "PYTHONMALLOC": allocator}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=120)
