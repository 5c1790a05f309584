"""Pipes: objects and bytes, either way and one way, and how they end."""

import array
import multiprocessing as mp
import pickle

from telling import program, run_programs, show


def talk(end):
    with end:
        for word in iter(end.recv, "stop"):
            end.send([word, word])


def say(writer, *words):
    for word in words:
        writer.send(word)


@program
def both_ways():
    ours, theirs = mp.Pipe()
    process = mp.Process(target=talk, args=(theirs,))
    process.start()
    theirs.close()
    for value in (1, "two", None, b"x" * 1000000, list(range(100000))):
        ours.send(value)
        print(ours.poll(30), ours.recv() == [value, value])
    ours.send("stop")
    process.join()
    print(ours.poll(None))
    show(ours.recv)
    show(ours.send, 1)
    ours.close()


@program
def one_way():
    reader, writer = mp.Pipe(duplex=False)
    print(reader.readable, reader.writable, writer.readable, writer.writable)
    show(reader.send, 1)
    show(reader.send_bytes, b"")
    show(writer.recv)
    show(writer.recv_bytes)
    show(writer.recv_bytes_into, bytearray(3))
    show(writer.poll)
    writer.send("there")
    print(reader.recv())


@program
def wrong_arguments_of_pipe():
    show(mp.Pipe, 1, 2)
    show(mp.Pipe, both=True)
    for duplex in (0, "", [], None, "yes", 2):
        first, second = mp.Pipe(duplex)
        print(first.writable, second.readable)


@program
def wrong_arguments_of_methods():
    first, second = mp.Pipe()
    show(first.send)
    show(first.send, 1, 2)
    show(first.recv, 1)
    show(first.poll, 1, 2)
    show(first.poll, "soon")
    show(first.poll, [])
    show(first.send_bytes)
    show(first.send_bytes, 5)
    show(first.send_bytes, None)
    show(first.send_bytes, "text")
    show(first.send_bytes, b"abc", "1")
    show(first.send_bytes, b"abc", 0, "1")
    show(first.send_bytes, [1])
    show(first.recv_bytes, "x")
    show(first.recv_bytes_into)
    show(first.fileno, 1)
    show(first.close, 1)
    print(second.poll())


@program
def wrong_buffers():
    reader, writer = mp.Pipe(duplex=False)
    for buffer in (b"read only", 5, None, "text", [1, 2, 3]):
        writer.send_bytes(b"abc")
        show(reader.recv_bytes_into, buffer)
        while reader.poll():
            reader.recv_bytes()


@program
def keywords():
    first, second = mp.Pipe(duplex=True)
    first.send(obj=1)
    print(second.poll(timeout=5), second.recv())
    first.send_bytes(buf=b"abcdef", offset=1, size=3)
    print(second.recv_bytes(maxlength=3))
    first.send_bytes(b"ab")
    into = bytearray(4)
    print(second.recv_bytes_into(buf=into, offset=2), into)


@program
def poll_with_times():
    first, second = mp.Pipe()
    for time in (0, 0.0, 0.01, -1, False):
        print(first.poll(time))
    second.send(1)
    for time in (0, None, 10, -1, True):
        print(first.poll(time))
    print(first.recv(), first.poll())


@program
def closed_end():
    first, second = mp.Pipe()
    print(first.closed)
    first.close()
    first.close()
    print(first.closed)
    for call in (first.recv, first.poll, first.fileno, first.recv_bytes):
        show(call)
    show(first.send, 1)
    show(first.send_bytes, b"x")
    show(first.recv_bytes_into, bytearray(1))
    print(first.readable, first.writable)
    show(second.recv)
    show(second.send, 1)


@program
def with_statement():
    first, second = mp.Pipe()
    with first as same, second:
        print(same is first)
        first.send("inside")
        print(second.recv())
    print(first.closed, second.closed)


@program
def end_of_file():
    reader, writer = mp.Pipe(duplex=False)
    process = mp.Process(target=say, args=(writer, "first", ["second"] * 3))
    process.start()
    writer.close()
    process.join()
    print(reader.recv(), reader.poll(), reader.recv(), reader.poll())
    for _ in range(2):
        try:
            reader.recv()
        except EOFError as error:
            print("the end", error.args)
    show(reader.recv_bytes)
    show(reader.recv_bytes_into, bytearray(5))
    print(reader.closed)


@program
def nobody_reads():
    reader, writer = mp.Pipe(duplex=False)
    reader.close()
    for _ in range(2):
        try:
            writer.send(1)
        except BrokenPipeError as error:
            print(error, error.errno)
    show(writer.send_bytes, b"")
    print(writer.closed)


@program
def read_what_the_closed_one_sent():
    first, second = mp.Pipe()
    first.send("last words")
    first.send_bytes(b"bytes")
    first.close()
    print(second.poll(), second.recv(), second.recv_bytes(), second.poll())
    show(second.recv)


@program
def bytes_there_and_back():
    reader, writer = mp.Pipe(duplex=False)
    for data in (
        b"",
        b"abc",
        bytearray(b"abc"),
        memoryview(b"abcdef")[2:],
        array.array("h", [1, 2]),
    ):
        writer.send_bytes(data)
        print(reader.recv_bytes())


@program
def bytes_with_offset_and_size():
    reader, writer = mp.Pipe(duplex=False)
    for arguments in ((0,), (3,), (6,), (1, 2), (0, 0), (6, 0), (2, None), (0, 6)):
        writer.send_bytes(b"abcdef", *arguments)
        print(reader.recv_bytes())
    for arguments in ((7,), (-1,), (0, 7), (1, 6), (2, -1), (-1, -1), (7, 0)):
        show(writer.send_bytes, b"abcdef", *arguments)
    print(reader.poll())


@program
def bytes_of_views():
    reader, writer = mp.Pipe(duplex=False)
    writer.send_bytes(array.array("i", range(4)), 4, 8)
    print(array.array("i", reader.recv_bytes()))
    for view in (
        memoryview(array.array("i", range(4))),
        memoryview(array.array("i", range(4)))[1:3],
        memoryview(array.array("d", [1.5])).cast("B"),
    ):
        writer.send_bytes(view)
        print(reader.recv_bytes())
    show(writer.send_bytes, memoryview(b"abcdef")[::2])
    show(writer.send_bytes, memoryview(b"abcdef")[::-1])
    print(reader.poll())


@program
def offsets_in_views_of_wide_items():
    reader, writer = mp.Pipe(duplex=False)
    view = memoryview(array.array("i", range(4)))
    for arguments in ((4,), (4, 8), (16,), (17,), (0, 17), (1, 3)):
        try:
            writer.send_bytes(view, *arguments)
        except ValueError as error:
            print(error)
        else:
            print(reader.recv_bytes())


@program
def bytes_into_a_buffer():
    reader, writer = mp.Pipe(duplex=False)
    writer.send_bytes(b"abc")
    buffer = bytearray(6)
    print(reader.recv_bytes_into(buffer), buffer)
    writer.send_bytes(b"xyz")
    print(reader.recv_bytes_into(buffer, 3), buffer)
    writer.send_bytes(b"")
    print(reader.recv_bytes_into(buffer, 6), buffer)
    numbers = array.array("i", [9] * 4)
    writer.send_bytes(array.array("i", [1, 2]))
    print(reader.recv_bytes_into(numbers, 4), numbers)
    view = memoryview(buffer)[1:3]
    writer.send_bytes(b"12")
    print(reader.recv_bytes_into(view), buffer)


@program
def wrong_offsets_into_a_buffer():
    reader, writer = mp.Pipe(duplex=False)
    writer.send_bytes(b"abc")
    for offset in (-1, 4, 100):
        show(reader.recv_bytes_into, bytearray(3), offset)
    print(reader.recv_bytes())


@program
def buffer_too_short():
    reader, writer = mp.Pipe(duplex=False)
    for length in (5, 30000):
        writer.send_bytes(b"z" * length)
        try:
            reader.recv_bytes_into(bytearray(3), 1)
        except mp.BufferTooShort as error:
            print(type(error.args[0]).__name__, error.args[0] == b"z" * length, len(error.args))
            print(isinstance(error, mp.ProcessError))
    writer.send("after")
    print(reader.recv())


@program
def message_longer_than_allowed():
    for duplex in (False, True):
        reader, writer = mp.Pipe(duplex)
        show(reader.recv_bytes, -1)
        writer.send_bytes(b"fits")
        print(reader.recv_bytes(4))
        writer.send_bytes(b"longer than allowed")
        show(reader.recv_bytes, 5)
        print(reader.closed, reader.readable, reader.writable)
        show(reader.recv_bytes)
        show(reader.poll)


@program
def bytes_are_no_objects():
    reader, writer = mp.Pipe(duplex=False)
    writer.send_bytes(pickle.dumps([1, 2]))
    print(reader.recv())
    writer.send([3])
    print(pickle.loads(reader.recv_bytes()))
    writer.send_bytes(b"")
    show(reader.recv)
    writer.send("after")
    print(reader.recv())


@program
def large_messages():
    ours, theirs = mp.Pipe()
    process = mp.Process(target=talk, args=(theirs,))
    process.start()
    for size in (65535, 65536, 65537, 3000000):
        value = b"%d" % size * (size // 5)
        ours.send(value)
        came = ours.recv()
        print(came[0] == value, came[0] is came[1], len(came[0]))
    ours.send("stop")
    process.join()


@program
def large_bytes():
    ours, theirs = mp.Pipe()
    process = mp.Process(target=mirror, args=(theirs, 5))
    process.start()
    for size in (0, 16383, 16384, 200000, 3000000):
        ours.send_bytes(bytearray(size))
        print(len(ours.recv_bytes()))
    process.join()


def mirror(end, times):
    for _ in range(times):
        end.send_bytes(end.recv_bytes())


@program
def end_through_a_pipe():
    ours, theirs = mp.Pipe()
    process = mp.Process(target=middle, args=(theirs,))
    process.start()
    theirs.close()
    for duplex in (True, False):
        reader, writer = mp.Pipe(duplex)
        ours.send(writer)
        writer.close()
        print(reader.recv())
        show(reader.recv)
    ours.send(None)
    process.join()
    print(process.exitcode)


def middle(end):
    for connection in iter(end.recv, None):
        connection.send(("from the middle", connection.writable))
        connection.close()


@program
def end_through_a_queue():
    queue = mp.Queue()
    reader, writer = mp.Pipe(duplex=False)
    process = mp.Process(target=speak_into_what_comes, args=(queue,))
    process.start()
    queue.put(("to", writer))
    print(reader.recv())
    process.join()


def speak_into_what_comes(queue):
    _, writer = queue.get()
    writer.send("through the queue")


@program
def end_to_a_grandchild():
    reader, writer = mp.Pipe(duplex=False)
    process = mp.Process(target=pass_on, args=(writer, 2))
    process.start()
    writer.close()
    print(reader.recv(), reader.recv(), reader.recv())
    show(reader.recv)
    process.join()


def pass_on(writer, deeper):
    if deeper:
        process = mp.Process(target=pass_on, args=(writer, deeper - 1))
        process.start()
        process.join()
    writer.send(deeper)


@program
def no_arithmetic_with_ends():
    first, second = mp.Pipe()
    print(first == first, first == second, len({first, second}), bool(first))
    show(len, first)
    show(iter, first)
    print(isinstance(first.fileno(), int), first.fileno() != second.fileno())


@program
def send_to_oneself():
    first, second = mp.Pipe()
    first.send("a")
    second.send("b")
    print(first.recv(), second.recv(), first.poll(), second.poll())


@program
def many_messages_wait():
    reader, writer = mp.Pipe(duplex=False)
    for number in range(200):
        writer.send(number)
    print([reader.recv() for _ in range(200)] == list(range(200)))


@program
def dropped_ends_close():
    reader, writer = mp.Pipe(duplex=False)
    writer.send(1)
    del writer
    print(reader.recv())
    show(reader.recv)


@program
def handles():
    import os
    from multiprocessing.reduction import DupFd, recv_handle, send_handle

    ours, theirs = mp.Pipe()
    number, other = os.pipe()
    process = mp.Process(target=write_into_handle, args=(theirs,))
    process.start()
    send_handle(ours, other, process.pid)
    print(os.read(number, 100))
    process.join()
    print(callable(DupFd), callable(recv_handle))


def write_into_handle(end):
    import os
    from multiprocessing.reduction import recv_handle

    os.write(recv_handle(end), b"into the handle")


if __name__ == "__main__":
    run_programs()
