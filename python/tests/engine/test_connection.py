"""Connections: the methods, exceptions and texts of multiprocessing.connection.Connection."""

import array
import os
import pickle
import select
import signal
import threading
from multiprocessing import BufferTooShort, connection
from multiprocessing.connection import Connection as StockConnection

import pytest

from onecopy import _engine

from .conftest import wait_until
from .tasks import sleeps, state_of

FOREVER = 30  # seconds; no test waits that long


@pytest.fixture
def one_way():
    ends = _engine.Connection._pair(_engine.Connection, False)
    yield ends
    for end in ends:
        end.close()


def test_both_directions(pipe):
    left, right = pipe
    left.send({"a": [1, 2.5]})
    right.send("back")
    assert right.recv() == {"a": [1, 2.5]}
    assert left.recv() == "back"
    assert all(end.readable and end.writable and not end.closed for end in pipe)


def test_one_way(one_way):
    reader, writer = one_way
    assert (reader.readable, reader.writable) == (True, False)
    assert (writer.readable, writer.writable) == (False, True)
    writer.send(1)
    assert reader.recv() == 1
    with pytest.raises(OSError, match="^connection is read-only$"):
        reader.send(1)
    with pytest.raises(OSError, match="^connection is read-only$"):
        reader.send_bytes(b"")
    for call in (writer.recv, writer.recv_bytes, writer.poll):
        with pytest.raises(OSError, match="^connection is write-only$"):
            call()
    with pytest.raises(OSError, match="^connection is write-only$"):
        writer.recv_bytes_into(bytearray(1))


def test_a_closed_end(pipe):
    left, _ = pipe
    left.close()
    left.close()
    assert left.closed and left.readable
    calls = [
        left.recv,
        left.recv_bytes,
        left.poll,
        left.fileno,
        lambda: left.send(1),
        lambda: left.send_bytes(b""),
        lambda: left.recv_bytes_into(bytearray(1)),
    ]
    for call in calls:
        with pytest.raises(OSError, match="^handle is closed$"):
            call()


def test_with_closes(pipe):
    left, _ = pipe
    with left as inside:
        assert inside is left
    assert left.closed


def test_wrong_arguments(pipe):
    left, right = pipe
    calls = [
        lambda: left.send(),
        lambda: left.send(1, 2),
        lambda: left.send_bytes("text"),
        lambda: left.send_bytes(b"", "0"),
        lambda: left.recv_bytes("1"),
        lambda: left.recv_bytes_into("x"),
        lambda: left.poll("x"),
        lambda: _engine.Connection._pair(int, True),
    ]
    for call in calls:
        with pytest.raises((TypeError, BufferError)):
            call()
    assert not right.poll()


# -- bytes --------------------


@pytest.mark.parametrize("size", [0, 1, 100, 4096, 4097, 70_000, 3_000_000])
def test_bytes_of_any_size(pipe, size):
    left, right = pipe
    data = os.urandom(size)
    left.send_bytes(data)
    assert right.recv_bytes() == data
    left.send_bytes(bytearray(data))
    into = bytearray(size + 10)
    assert right.recv_bytes_into(into, 5) == size
    assert into == bytes(5) + data + bytes(5)


def test_parts_of_a_buffer(pipe):
    left, right = pipe
    data = memoryview(b"0123456789")
    for arguments, expected in [
        ((), data),
        ((3,), data[3:]),
        ((3, 4), data[3:7]),
        ((10,), b""),
        ((2, 0), b""),
        ((0, None), data),
    ]:
        left.send_bytes(data, *arguments)
        assert right.recv_bytes() == expected
    left.send_bytes(array.array("i", [1, 2, 3]), 4, 4)
    assert right.recv_bytes() == (2).to_bytes(4, "little")


@pytest.mark.parametrize(
    "arguments, text",
    [
        ((-1,), "offset is negative"),
        ((11,), "buffer length < offset"),
        ((0, -1), "size is negative"),
        ((0, 11), "buffer length < offset \\+ size"),
        ((4, 7), "buffer length < offset \\+ size"),
    ],
)
def test_parts_that_are_not_there(pipe, arguments, text):
    left, right = pipe
    with pytest.raises(ValueError, match=f"^{text}$"):
        left.send_bytes(b"0123456789", *arguments)
    assert not right.poll()


def test_objects_as_bytes_and_bytes_as_objects(pipe):
    left, right = pipe
    for value in (1, "text", [b"x" * 10_000] * 2, {1, 2}, bytearray(100_000)):
        left.send(value)
        assert pickle.loads(right.recv_bytes()) == value
        left.send_bytes(pickle.dumps(value))
        assert right.recv() == value
    left.send_bytes(b"no pickle")
    with pytest.raises(pickle.UnpicklingError):
        right.recv()


def test_too_long_a_message_ends_reading(pipe, one_way):
    left, right = pipe
    left.send_bytes(b"0123456789")
    left.send_bytes(b"0123456789")
    assert right.recv_bytes(10) == b"0123456789"
    with pytest.raises(ValueError, match="^negative maxlength$"):
        right.recv_bytes(-1)
    with pytest.raises(OSError, match="^bad message length$"):
        right.recv_bytes(9)
    assert not right.readable and right.writable and not right.closed

    reader, writer = one_way
    writer.send_bytes(b"0123456789")
    with pytest.raises(OSError, match="^bad message length$"):
        reader.recv_bytes(maxlength=9)
    assert reader.closed


@pytest.mark.parametrize("size", [10, 100_000])
def test_too_short_a_buffer_gets_the_message_in_the_exception(pipe, size):
    left, right = pipe
    data = os.urandom(size)
    left.send_bytes(data)
    with pytest.raises(BufferTooShort) as caught:
        right.recv_bytes_into(bytearray(size + 4), 5)
    assert caught.value.args == (data,)


def test_where_to_put_bytes(pipe):
    left, right = pipe
    with pytest.raises(ValueError, match="^negative offset$"):
        right.recv_bytes_into(bytearray(4), -1)
    with pytest.raises(ValueError, match="^offset too large$"):
        right.recv_bytes_into(bytearray(4), 5)
    left.send_bytes(b"\x01\x00\x00\x00")
    numbers = array.array("i", [0, 0])
    assert right.recv_bytes_into(numbers, 4) == 4
    assert numbers.tolist() == [0, 1]


# -- the end --------------------


def test_what_was_sent_before_the_end_arrives(pipe):
    left, right = pipe
    left.send("last words")
    left.close()
    assert right.poll() and right.poll(None)
    assert right.recv() == "last words"
    assert right.poll() and right.poll(0) and right.poll(None)
    for call in (right.recv, right.recv_bytes, lambda: right.recv_bytes_into(bytearray(1))):
        with pytest.raises(EOFError):
            call()


def test_nobody_to_send_to(pipe):
    left, right = pipe
    right.close()
    for call in (lambda: left.send(1), lambda: left.send_bytes(b"x")):
        with pytest.raises(BrokenPipeError) as caught:
            call()
        assert caught.value.errno == 32


def test_the_end_is_seen_by_one_who_waits(pipe, fork):
    left, right = pipe

    def child():
        right.close()
        left.send("once")
        assert left.recv() == "go"

    child = fork(child)
    left.close()
    assert right.recv() == "once"
    right.send("go")
    with pytest.raises(EOFError):
        right.recv()
    child.join()


def test_the_end_by_a_violent_death(pipe, fork):
    left, right = pipe

    def child():
        right.close()
        left.send(b"x" * 100_000)
        signal.pause()

    child = fork(child)
    left.close()
    assert len(right.recv()) == 100_000
    child.kill()
    with pytest.raises(EOFError):
        right.recv()


def test_the_end_of_one_of_two_holders_is_not_the_end(pipe, fork):
    left, right = pipe
    fork(lambda: left.send("from a child")).join()
    assert right.recv() == "from a child"
    assert not right.poll(0.01)
    left.send("from here")
    assert right.recv() == "from here"


def test_a_sender_that_waits_for_room_learns_of_the_end(pipe, fork):
    left, right = pipe

    def child():
        right.close()
        with pytest.raises(BrokenPipeError):
            while True:
                left.send(bytes(1 << 20))

    child = fork(child)
    left.close()
    wait_until(lambda: state_of(child.pid) == "S" and _engine.memory()["queued"] > 63 << 20)
    right.close()
    assert child.join() == 0


def test_bytes_in_flight_are_bounded(pipe, fork):
    left, right = pipe

    def child():
        for i in range(100):
            left.send(bytes([i]) * (1 << 20))

    child = fork(child)
    wait_until(lambda: state_of(child.pid) == "S" and _engine.memory()["queued"] > 63 << 20)
    assert _engine.memory()["queued"] < 68 << 20
    for i in range(100):
        assert right.recv()[:1] == bytes([i])
    assert child.join() == 0


@pytest.mark.parametrize("size", [70 << 20, 130 << 20])
def test_one_message_above_the_bound_passes(pipe, size):
    left, right = pipe
    for data in (bytes(size), b"end"):
        left.send_bytes(data)
        assert len(right.recv_bytes()) == len(data)


def test_closing_ends_the_calls_of_other_threads(pipe):
    left, _ = pipe
    ended = []

    def wait():
        try:
            left.recv()
        except OSError as error:
            ended.append(str(error))

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_until(lambda: all(sleeps(thread.native_id) for thread in threads))
    left.close()
    for thread in threads:
        thread.join()
    assert ended == ["handle is closed"] * 3


# -- waiting --------------------


def test_poll(pipe, fork):
    left, right = pipe
    assert right.poll() is False and right.poll(0.01) is False and right.poll(-1) is False
    child = fork(lambda: left.send(1))
    assert right.poll(None) is True
    child.join()
    assert right.poll() is True
    assert right.recv() == 1
    assert right.poll() is False


def test_the_descriptor_is_readable_exactly_while_something_waits(pipe):
    left, right = pipe
    number = right.fileno()

    def readable():
        return bool(select.select([number], [], [], 0)[0])

    for _ in range(3):
        assert not readable()
        left.send(1)
        assert readable()
        left.send(b"x" * 100_000)
        right.recv()
        assert readable()
        right.recv()
    assert not readable()
    left.close()
    assert readable()


def test_stocks_wait_takes_it(pipe, fork):
    left, right = pipe
    assert connection.wait([right], 0) == []
    fork(lambda: left.send(1))
    assert connection.wait([right], FOREVER) == [right]
    assert right.recv() == 1


# -- handles --------------------


def test_an_end_opened_again(pipe):
    left, right = pipe
    receive, send = right._names()
    again = _engine.Connection._open(os.dup(right.fileno()), receive, send)
    right.close()
    left.send("through the other handle")
    assert again.recv() == "through the other handle"
    again.send("and back")
    assert left.recv() == "and back"
    again.close()
    with pytest.raises(EOFError):
        left.recv()


def test_names_of_one_way_ends(one_way):
    reader, writer = one_way
    receive, nothing = reader._names()
    assert nothing is None and writer._names() == (None, receive)


def test_a_subclass_of_both():
    class Both(_engine.Connection, StockConnection):
        def __init__(self, handle):
            raise AssertionError("ends of a pipe are not made from a number")

    left, right = _engine.Connection._pair(Both, True)
    assert type(left) is Both and isinstance(left, StockConnection)
    left.send(1)
    assert right.recv() == 1
    left.close()
    right.close()
