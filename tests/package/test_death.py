"""A sender is killed in the middle of its work: what it had sent is there whole, nothing else."""

import os
import random
import signal
import time

import numpy as np
import pytest

import onecopy as mp

ELEMENTS = 10_000_000  # of eight bytes: 80 MB
ROUNDS = 200 if os.environ.get("ONECOPY_TEST_LONG") else 12


@pytest.fixture
def dice():
    seed = int(os.environ.get("ONECOPY_TEST_SEED") or random.randrange(2**31))
    print(f"ONECOPY_TEST_SEED={seed}")
    return random.Random(seed)


def send_for_ever(send, ready):
    array = np.empty(ELEMENTS)
    ready.send(None)
    number = 0
    while True:
        array.fill(number)
        send(array)
        number += 1


def assert_whole(array, number):
    assert array.shape == (ELEMENTS,)
    assert array[0] == number
    assert (array == number).all()


def start_and_kill(send, dice):
    """Starts the sender, and kills it at some moment of its first few messages."""
    heard, ready = mp.Pipe(duplex=False)
    sender = mp.Process(target=send_for_ever, args=(send, ready))
    sender.start()
    heard.recv()
    time.sleep(dice.random() * 0.3)  # which moment that is, is the point of the test
    os.kill(sender.pid, signal.SIGKILL)
    return sender


def in_use():
    return mp.memory()["in_use"]


def test_a_pipe_gives_whole_messages_and_then_end_of_file(dice):
    mp.Pipe()[0].close()  # the arena is there from now on
    before = in_use()
    for _ in range(ROUNDS):
        reader, writer = mp.Pipe(duplex=False)
        sender = start_and_kill(writer.send, dice)
        writer.close()
        number = 0
        with pytest.raises(EOFError):
            while True:
                assert_whole(reader.recv(), number)
                number += 1
        sender.join()
        reader.close()
    assert in_use() <= before


def test_a_queue_gives_whole_messages_and_then_nothing(dice):
    mp.Pipe()[0].close()
    for _ in range(ROUNDS):
        queue = mp.Queue(2)
        sender = start_and_kill(queue.put, dice)
        sender.join()
        for number in range(queue.qsize()):
            assert_whole(queue.get(), number)
        with pytest.raises(mp.queues.Empty):
            queue.get(timeout=0.1)
        queue.close()
