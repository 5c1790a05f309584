"""Waiting for any of several."""

import os
import threading
import time

import pytest

from onecopy import _engine

FOREVER = 30  # seconds; no test waits that long


@pytest.fixture
def several(queue, pipe):
    """A queue, the two ends of a pipe, and the two ends of an operating system's pipe."""
    reading, writing = os.pipe()
    yield [queue, *pipe, reading], writing
    os.close(reading)
    os.close(writing)


def test_nothing_is_ready(several):
    waitables, _ = several
    start = time.monotonic()
    assert _engine.wait_any(waitables, 0) == []
    assert _engine.wait_any(waitables, -1) == []
    assert _engine.wait_any(waitables, 0.02) == []
    assert time.monotonic() - start >= 0.02
    assert _engine.wait_any([], 0.001) == []


def test_all_that_are_ready_are_named(several):
    waitables, writing = several
    queue, left, right, _ = waitables
    queue.put(1)
    assert _engine.wait_any(waitables, None) == [0]
    left.send(1)
    assert _engine.wait_any(waitables, FOREVER) == [0, 2]
    os.write(writing, b"x")
    assert _engine.wait_any(waitables, 0) == [0, 2, 3]
    queue.get()
    right.recv()
    assert _engine.wait_any(waitables, 0) == [3]


def test_it_wakes_for_each(several, fork):
    waitables, writing = several
    queue, left, right, reading = waitables
    actions = [
        (lambda: queue.put(1), queue.get),
        (lambda: right.send(1), left.recv),
        (lambda: left.send(1), right.recv),
        (lambda: os.write(writing, b"x"), lambda: os.read(reading, 1)),
    ]
    for index, (act, take) in enumerate(actions):
        for _ in range(3):
            child = fork(act)
            assert _engine.wait_any(waitables, FOREVER) == [index]
            child.join()
            take()
    assert _engine.wait_any(waitables, 0) == []


def test_the_end_of_a_pipe_is_something(several, fork):
    waitables, _ = several
    _, left, right, _ = waitables
    left.send(1)
    left.close()
    waitables = [waitables[0], right]
    assert _engine.wait_any(waitables, None) == [1]
    right.recv()
    assert _engine.wait_any(waitables, None) == [1]
    with pytest.raises(EOFError):
        right.recv()


def test_a_sending_end_is_ready_when_nobody_receives():
    reader, writer = _engine.Connection._pair(_engine.Connection, False)
    assert _engine.wait_any([writer], 0.01) == []
    reader.close()
    assert _engine.wait_any([writer], None) == [0]
    writer.close()


def test_the_same_one_twice(queue):
    queue.put(1)
    assert _engine.wait_any([queue, queue], 0) == [0, 1]
    queue.get()


def test_what_cannot_be_waited_for(queue, pipe):
    with pytest.raises(TypeError):
        _engine.wait_any([queue, "text"], 0)
    with pytest.raises(ValueError):
        _engine.wait_any([-1], 0)
    pipe[0].close()
    with pytest.raises(OSError, match="^handle is closed$"):
        _engine.wait_any(pipe, 0)
    with pytest.raises(TypeError):
        _engine.wait_any(queue, 0)


def test_a_get_by_another_thread_meanwhile(queue, fork):
    """Whoever waits does not take: another may be faster, and the wait goes on."""
    stop = []

    def take():
        while not stop:
            if queue._poll(0.001):
                queue.get()

    taker = threading.Thread(target=take)
    taker.start()

    def child():
        for i in range(2000):
            queue.put(i)

    fork(child)
    while _engine.wait_any([queue], 0.1):
        pass
    stop.append(True)
    taker.join()


def test_many_waitables():
    queues = [_engine.Queue() for _ in range(200)]
    queues[150].put(1)
    assert _engine.wait_any(queues, None) == [150]
    for queue in queues:
        queue._close()
