import multiprocessing as mp
import sys


def show(call, *arguments, **keywords):
    try:
        print(call(*arguments, **keywords))
    except Exception as error:
        print(type(error).__name__, error.args)


def talk(end):
    with end:
        for word in iter(end.recv, "stop"):
            end.send([word, word])


if __name__ == "__main__":
    mp.set_start_method(sys.argv[1])
    ours, theirs = mp.Pipe()
    process = mp.Process(target=talk, args=(theirs,))
    process.start()
    theirs.close()
    for value in (1, "two", None, b"x" * 1000000):
        ours.send(value)
        print(ours.poll(30), ours.recv() == [value, value])
    print(ours.poll(), ours.poll(0.01), ours.readable, ours.writable, ours.closed)
    ours.send("stop")
    process.join()
    print(ours.poll(None))
    show(ours.recv)
    show(ours.send, 1)
    ours.close()
    ours.close()
    for call in (ours.recv, ours.poll, ours.fileno, lambda: ours.send(1), ours.recv_bytes):
        show(call)
    print(ours.closed)
    reader, writer = mp.Pipe(duplex=False)
    print(reader.readable, reader.writable, writer.readable, writer.writable)
    show(reader.send, 1)
    show(writer.recv)
    show(writer.poll)
    for data in (b"", b"abc", bytearray(b"abc"), memoryview(b"abcdef")[::1]):
        writer.send_bytes(data)
        print(reader.recv_bytes())
    import array

    writer.send_bytes(array.array("i", range(4)), 4, 8)
    numbers = array.array("i", [9] * 4)
    print(reader.recv_bytes_into(numbers, 4), numbers)
    writer.send_bytes(b"too long")
    show(reader.recv_bytes_into, bytearray(3))
    show(reader.recv_bytes_into, bytearray(3), 5)
    show(reader.recv_bytes_into, bytearray(3), -1)
    for arguments in ((b"abc", 4), (b"abc", -1), (b"abc", 1, 3), (b"abc", 1, -1), ("abc",)):
        try:
            writer.send_bytes(*arguments)
        except (ValueError, TypeError) as error:
            print(type(error).__name__, error.args if len(arguments) > 1 else "")
    show(reader.recv_bytes, -1)
    writer.send_bytes(b"longer than allowed")
    show(reader.recv_bytes, 5)
    print(reader.closed)
