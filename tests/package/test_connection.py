"""Pipes inside one process, and waiting on many things."""

import array
import multiprocessing.connection
import os
import select
import socket
import threading

import pytest

import onecopy as mp
from onecopy.connection import Client, Connection, Listener, wait


@pytest.fixture
def pipe():
    first, second = mp.Pipe()
    with first, second:
        yield first, second


def test_an_end_is_an_instance_of_the_stock_class(pipe):
    for end in pipe:
        assert isinstance(end, multiprocessing.connection.Connection)
        assert isinstance(end, Connection)


def test_both_ways(pipe):
    first, second = pipe
    first.send({"question": 1})
    second.send(["answer"])

    assert second.recv() == {"question": 1}
    assert first.recv() == ["answer"]


def test_bytes_and_objects_are_the_same_messages(pipe):
    first, second = pipe
    first.send_bytes(mp.reduction.ForkingPickler.dumps([1, 2]))
    first.send([3, 4])

    assert second.recv() == [1, 2]
    assert mp.reduction.ForkingPickler.loads(second.recv_bytes()) == [3, 4]


def test_what_cannot_be_pickled_raises_in_send(pipe):
    first, second = pipe
    with pytest.raises(Exception, match="pickle"):
        first.send(lambda: 0)

    first.send("next")
    assert second.recv() == "next"


def test_large_messages_both_ways_at_once(pipe):
    first, second = pipe
    big = b"x" * 5_000_000
    sender = threading.Thread(target=lambda: [first.send_bytes(big) for _ in range(20)])
    sender.start()
    got = [len(second.recv_bytes()) for _ in range(20)]
    sender.join()

    assert got == [len(big)] * 20


def test_receiving_into_a_buffer(pipe):
    first, second = pipe
    numbers = array.array("i", [0] * 4)
    first.send_bytes(array.array("i", [7, 8]))

    assert second.recv_bytes_into(numbers, 2 * numbers.itemsize) == 2 * numbers.itemsize
    assert numbers.tolist() == [0, 0, 7, 8]


def test_too_short_a_buffer_gives_the_message_in_the_error(pipe):
    first, second = pipe
    first.send_bytes(b"too long")
    with pytest.raises(mp.BufferTooShort) as raised:
        second.recv_bytes_into(bytearray(2))

    assert raised.value.args == (b"too long",)


def test_the_end_comes_after_everything_sent():
    reader, writer = mp.Pipe(duplex=False)
    with reader:
        writer.send(1)
        writer.send(2)
        writer.close()

        assert [reader.recv(), reader.recv()] == [1, 2]
        assert reader.poll(None)
        with pytest.raises(EOFError):
            reader.recv()


def test_nobody_left_to_receive():
    reader, writer = mp.Pipe(duplex=False)
    reader.close()
    with writer, pytest.raises(BrokenPipeError):
        writer.send(1)


def test_fileno_is_readable_exactly_while_something_waits(pipe):
    first, second = pipe
    with select.epoll() as poll:
        poll.register(second.fileno(), select.EPOLLIN)
        assert poll.poll(0) == []
        first.send(1)
        first.send(2)
        assert len(poll.poll(5)) == 1
        second.recv()
        assert len(poll.poll(5)) == 1
        second.recv()
        assert poll.poll(0) == []


def test_ready_things_of_every_kind(pipe):
    first, second = pipe
    q = mp.SimpleQueue()
    near, far = socket.socketpair()
    read_end, write_end = os.pipe()
    stock_reader, stock_writer = multiprocessing.connection.Pipe(duplex=False)
    things = [second, q._reader, near, read_end, stock_reader]
    try:
        assert wait(things, timeout=0) == []
        assert wait(things, timeout=-1) == []
        for count, make_ready in enumerate(
            (
                lambda: first.send(1),
                lambda: q.put(1),
                lambda: far.send(b"x"),
                lambda: os.write(write_end, b"x"),
                lambda: stock_writer.send(1),
            ),
            start=1,
        ):
            make_ready()
            assert wait(things, timeout=5) == things[:count]
    finally:
        for number in (read_end, write_end):
            os.close(number)
        for thing in (near, far, stock_reader, stock_writer):
            thing.close()


def test_waiting_ends_with_a_message_of_another_thread(pipe):
    first, second = pipe
    q = mp.Queue()
    for make_ready, ready in ((lambda: first.send(1), second), (lambda: q.put(1), q._reader)):
        helper = threading.Timer(0.05, make_ready)
        helper.start()
        assert wait([second, q._reader]) == [ready]
        helper.join()
        ready.recv()


def test_what_cannot_be_waited_for(pipe):
    first, _ = pipe
    with pytest.raises(ValueError, match="Invalid file object"):
        wait([first, object()])
    with pytest.raises(ValueError, match="Invalid file descriptor"):
        wait([first, -1])
    with pytest.raises(KeyError):
        wait([first, first])
    first.close()
    with pytest.raises(OSError, match="handle is closed"):
        wait([first])


def test_a_connection_to_anybody_else_speaks_the_stock_format():
    read_end, write_end = os.pipe()
    with Connection(read_end, writable=False) as reader, Connection(write_end) as writer:
        writer.send("plain")
        assert reader.recv() == "plain"


def test_listener_and_client():
    with Listener(authkey=b"secret") as listener:
        answers = []

        def ask():
            with Client(listener.address, authkey=b"secret") as client:
                client.send([1, 2])
                answers.append(client.recv())

        asker = threading.Thread(target=ask)
        asker.start()
        with listener.accept() as connection:
            connection.send(sum(connection.recv()))
        asker.join()

    assert answers == [3]


def test_an_end_sent_is_another_handle_on_the_same_pipe(pipe):
    carrier_in, carrier_out = pipe
    first, second = mp.Pipe()
    carrier_in.send(second)
    second.close()
    received = carrier_out.recv()
    with first, received:
        received.send("through the copy")
        assert first.recv() == "through the copy"
        received.close()
        with pytest.raises(EOFError):
            first.recv()


def test_a_closed_end_cannot_be_sent(pipe):
    first, second = mp.Pipe()
    first.close()
    second.close()
    with pytest.raises(OSError, match="handle is closed"):
        pipe[0].send(first)


@pytest.fixture
def stock_pipe():
    ends = socket.socketpair()
    first, second = (Connection(end.detach()) for end in ends)
    with first, second:
        yield first, second


@pytest.mark.parametrize("kind", ["pipe", "stock_pipe"])
def test_descriptors_go_over_a_pipe(kind, request):
    first, second = request.getfixturevalue(kind)
    read_end, write_end = os.pipe()
    sender = threading.Thread(target=mp.reduction.send_handle, args=(first, write_end, os.getpid()))
    sender.start()
    received = mp.reduction.recv_handle(second)
    sender.join()
    os.write(received, b"x")

    assert os.read(read_end, 10) == b"x"
    assert received != write_end
    for number in (read_end, write_end, received):
        os.close(number)


# Once bytes without a descriptor kept the receiver waiting over a pipe of ours.
@pytest.mark.parametrize("kind", ["pipe", "stock_pipe"])
def test_bytes_without_a_descriptor_are_told(kind, request):
    first, second = request.getfixturevalue(kind)
    os.write(first.fileno(), b"\0")

    with pytest.raises(RuntimeError, match="received"):
        mp.reduction.recv_handle(second)


@pytest.mark.parametrize("kind", ["pipe", "stock_pipe"])
def test_a_message_without_a_descriptor_is_told(kind, request):
    first, second = request.getfixturevalue(kind)
    first.send("no descriptor")

    with pytest.raises(RuntimeError, match="received"):
        mp.reduction.recv_handle(second)


@pytest.mark.parametrize("kind", ["pipe", "stock_pipe"])
def test_the_end_is_told_to_who_waits_for_a_descriptor(kind, request):
    first, second = request.getfixturevalue(kind)
    first.close()

    with pytest.raises(EOFError):
        mp.reduction.recv_handle(second)


def test_a_descriptor_comes_after_bytes_without_one(pipe):
    first, second = pipe
    os.write(first.fileno(), b"\0")
    with pytest.raises(RuntimeError):
        mp.reduction.recv_handle(second)
    read_end, write_end = os.pipe()

    mp.reduction.send_handle(first, write_end, os.getpid())
    received = mp.reduction.recv_handle(second)

    os.write(received, b"x")
    assert os.read(read_end, 10) == b"x"
    for number in (read_end, write_end, received):
        os.close(number)
