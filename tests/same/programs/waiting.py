"""connection.wait, and descriptors in select and its like."""

import multiprocessing as mp
import select
import selectors
import socket
from multiprocessing import connection

from telling import program, run_programs, show


def say(writer, number):
    writer.send(number)


@program
def nothing_to_wait_for():
    readers = [mp.Pipe(duplex=False)[0]]
    print(connection.wait([], timeout=0), connection.wait([], 0.01), connection.wait((), -1))
    pairs = [mp.Pipe(duplex=False) for _ in range(3)]
    print(connection.wait([reader for reader, _ in pairs], timeout=0.01), len(readers))


@program
def one_ready_of_many():
    pairs = [mp.Pipe(duplex=False) for _ in range(5)]
    pairs[3][1].send("here")
    (ready,) = connection.wait([reader for reader, _ in pairs])
    print(ready is pairs[3][0], ready.recv())


@program
def all_until_their_ends():
    pairs = [mp.Pipe(duplex=False) for _ in range(3)]
    processes = [mp.Process(target=say, args=(w, n)) for n, (_, w) in enumerate(pairs)]
    for process, (_, writer) in zip(processes, pairs):
        process.start()
        writer.close()
    heard, waiting = [], {reader for reader, _ in pairs}
    while waiting:
        for reader in connection.wait(list(waiting)):
            try:
                heard.append(reader.recv())
            except EOFError:
                waiting.discard(reader)
    for process in processes:
        process.join()
    print(sorted(heard))


@program
def sentinels():
    processes = [mp.Process(target=abs, args=(-1,)) for _ in range(2)]
    for process in processes:
        process.start()
    left = {process.sentinel: process for process in processes}
    while left:
        for sentinel in connection.wait(list(left), timeout=30):
            process = left.pop(sentinel)
            process.join()
            print(process.exitcode)


@program
def sockets_and_numbers():
    near, far = socket.socketpair()
    reader, writer = mp.Pipe(duplex=False)
    print(connection.wait([near, reader], 0))
    far.send(b"x")
    print([thing is near for thing in connection.wait([near, reader])])
    writer.send(1)
    print(len(connection.wait([near, reader, far.fileno()], 5)))
    print(connection.wait([near.fileno()], 5) == [near.fileno()])


@program
def wrong_things():
    reader, writer = mp.Pipe(duplex=False)
    show(connection.wait, [object()], 0)
    show(connection.wait, [-1], 0)
    show(connection.wait, ["text"], 0)
    show(connection.wait, 5)
    show(connection.wait)
    show(connection.wait, [reader], "soon")
    try:
        connection.wait([reader, reader], 0)
    except KeyError:
        print("KeyError")
    reader.close()
    show(connection.wait, [reader], 0)
    show(connection.wait, [writer, None], 0)


@program
def the_end_is_ready():
    reader, writer = mp.Pipe(duplex=False)
    writer.close()
    print(connection.wait([reader]) == [reader])
    show(reader.recv)


@program
def any_iterable():
    reader, writer = mp.Pipe(duplex=False)
    writer.send(1)
    print(len(connection.wait(iter([reader]))), len(connection.wait({reader})))


@program
def reader_of_a_queue():
    queue = mp.Queue()
    other = mp.SimpleQueue()
    print(connection.wait([queue._reader, other._reader], 0))
    queue.put("item")
    print(len(connection.wait([queue._reader, other._reader], 30)), queue.get())
    other.put("other")
    print(len(connection.wait([queue._reader, other._reader], 30)), other.get())
    queue.close()
    queue.join_thread()


@program
def in_select_and_poll():
    reader, writer = mp.Pipe(duplex=False)
    print(select.select([reader], [], [], 0)[0])
    writer.send(1)
    print(select.select([reader], [], [], 30)[0] == [reader])
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    print([event & select.POLLIN for _, event in poll.poll(1000)])
    reader.recv()
    print(poll.poll(0))


@program
def in_selectors():
    first, second = mp.Pipe()
    with selectors.DefaultSelector() as selector:
        selector.register(first, selectors.EVENT_READ, "data")
        print(selector.select(0))
        second.send("x")
        print([key.data for key, _ in selector.select(30)])
        print(first.recv(), selector.select(0))
        second.close()
        print([key.fileobj is first for key, _ in selector.select(30)])


@program
def in_asyncio():
    import asyncio

    async def main():
        reader, writer = mp.Pipe(duplex=False)
        loop, came = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(reader.fileno(), came.set)
        writer.send("for the loop")
        await came.wait()
        loop.remove_reader(reader.fileno())
        print(reader.recv())

    asyncio.run(main())


if __name__ == "__main__":
    run_programs()
