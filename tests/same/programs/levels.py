"""Descriptors that are readable as long as there is something, and only then: ends of pipes,
readers of queues and sentinels, in select, poll, epoll, selectors and event loops."""

import asyncio
import multiprocessing as mp
import os
import select
import selectors
import socket
from multiprocessing import connection

from telling import program, run_programs, show


def by_select(thing, timeout):
    return bool(select.select([thing], [], [], timeout)[0])


def by_poll(thing, timeout):
    poll = select.poll()
    poll.register(thing, select.POLLIN)
    return bool(poll.poll(timeout * 1000))


def by_epoll(thing, timeout):
    with select.epoll() as epoll:
        epoll.register(thing, select.EPOLLIN)
        return bool(epoll.poll(timeout))


def by_selector(thing, timeout):
    with selectors.DefaultSelector() as selector:
        selector.register(thing, selectors.EVENT_READ)
        return bool(selector.select(timeout))


def by_wait(thing, timeout):
    return bool(connection.wait([thing], timeout))


def is_readable(thing):
    """By every means; waits where it is not yet."""
    return [way(thing, 30) for way in (by_select, by_poll, by_epoll, by_selector, by_wait)]


def is_readable_now(thing):
    return [way(thing, 0) for way in (by_select, by_poll, by_epoll, by_selector, by_wait)]


@program
def end_of_a_pipe():
    reader, writer = mp.Pipe(duplex=False)
    print(is_readable_now(reader))
    for text in ("first", "second"):
        writer.send(text)
    writer.send_bytes(b"third")
    print(is_readable(reader), reader.recv())
    print(is_readable(reader), reader.recv())
    print(is_readable(reader), reader.recv_bytes())
    print(is_readable_now(reader))
    writer.send("last")
    writer.close()
    print(is_readable(reader), reader.recv())
    print(is_readable(reader))
    show(reader.recv)
    print(is_readable(reader))


@program
def both_ends_of_a_pipe():
    first, second = mp.Pipe()
    first.send("to the second")
    print(is_readable_now(first), is_readable(second))
    second.send(second.recv())
    print(is_readable(first), is_readable_now(second))
    print(first.recv(), is_readable_now(first))
    second.close()
    print(is_readable(first))


@program
def reader_of_a_queue():
    for queue in (mp.Queue(), mp.Queue(3), mp.SimpleQueue(), mp.JoinableQueue()):
        print(is_readable_now(queue._reader))
        for number in range(3):
            queue.put(number)
        for _ in range(3):
            print(is_readable(queue._reader), queue.get())
        print(is_readable_now(queue._reader), queue.empty())


@program
def writers():
    reader, writer = mp.Pipe(duplex=False)
    print(len(select.select([], [writer], [], 0)[1]), by_select(writer, 0))
    reader.close()
    print(len(select.select([], [writer], [], 0)[1]), by_select(writer, 0))
    print(len(select.select([], [mp.SimpleQueue()._writer], [], 0)[1]))


@program
def registered_once():
    reader, writer = mp.Pipe(duplex=False)
    queue = mp.SimpleQueue()
    with select.epoll() as epoll:
        epoll.register(reader, select.EPOLLIN)
        epoll.register(queue._reader, select.EPOLLIN)
        for number in range(50):
            writer.send(number)
            assert len(epoll.poll(30)) == 1
            queue.put(number)
            assert len(epoll.poll(30)) == 2
            assert reader.recv() == queue.get() == number
            assert epoll.poll(0) == []
    print("all well")


@program
def edges():
    for get, put, poll, end in ends_of_every_kind():
        with select.epoll() as epoll:
            epoll.register(end, select.EPOLLIN | select.EPOLLET)
            for _ in range(3):
                put("x")
                print(len(epoll.poll(30)), len(epoll.poll(0)))
                while poll():
                    get()
                print(len(epoll.poll(0)))


def ends_of_every_kind():
    reader, writer = mp.Pipe(duplex=False)
    yield reader.recv, writer.send, reader.poll, reader
    queue = mp.SimpleQueue()
    yield queue.get, queue.put, queue._reader.poll, queue._reader


def take_one(queue, end):
    end.send(queue.get())


def give_one(queue):
    queue.put("from the child")


@program
def another_process_takes_and_gives():
    queue = mp.SimpleQueue()
    reader, writer = mp.Pipe(duplex=False)
    print(is_readable_now(queue._reader))
    queue.put("for the child")
    print(is_readable(queue._reader))
    process = mp.Process(target=take_one, args=(queue, writer))
    process.start()
    print(is_readable(reader), reader.recv())
    process.join()
    print(is_readable_now(queue._reader), is_readable_now(reader))
    process = mp.Process(target=give_one, args=(queue,))
    process.start()
    print(is_readable(queue._reader))
    process.join()
    print(queue.get(), is_readable_now(queue._reader))


def look(queue, end, word):
    print(is_readable_now(queue._reader), flush=True)
    end.send(word)
    print(is_readable(queue._reader), queue.get(), is_readable_now(queue._reader), flush=True)


@program
def another_process_looks():
    queue = mp.SimpleQueue()
    reader, writer = mp.Pipe(duplex=False)
    process = mp.Process(target=look, args=(queue, writer, "looking"))
    process.start()
    print(reader.recv(), flush=True)
    queue.put("seen")
    process.join()
    print(process.exitcode)


def wait_for_a_word(end):
    end.recv()


@program
def sentinels():
    near, far = mp.Pipe()
    process = mp.Process(target=wait_for_a_word, args=(far,))
    process.start()
    print(is_readable_now(process.sentinel))
    near.send("end")
    print(is_readable(process.sentinel))
    process.join()
    print(is_readable(process.sentinel), process.exitcode)
    process.close()
    show(lambda: process.sentinel)


@program
def sentinels_of_the_killed():
    _, far = mp.Pipe()
    process = mp.Process(target=wait_for_a_word, args=(far,))
    process.start()
    process.kill()
    print(is_readable(process.sentinel))
    process.join()
    print(process.exitcode)


@program
def many_kinds_at_once():
    near, far = mp.Pipe()
    socket_near, socket_far = socket.socketpair()
    pipe_near, pipe_far = os.pipe()
    plain_near, plain_far = map(connection.Connection, os.pipe())
    queue, other = mp.Queue(), mp.SimpleQueue()
    word, words = mp.Pipe(duplex=False)
    process = mp.Process(target=wait_for_a_word, args=(word,))
    process.start()
    waited = {
        "pipe": near,
        "socket": socket_near,
        "number": pipe_near,
        "plain": plain_near,
        "queue": queue._reader,
        "other": other._reader,
        "sentinel": process.sentinel,
    }

    def ready(timeout=30):
        found = connection.wait(list(waited.values()), timeout)
        return [name for name, thing in waited.items() if thing in found]

    print(ready(0))
    other.put(1)
    print(ready(), other.get(), ready(0))
    far.send(1)
    print(ready(), near.recv(), ready(0))
    socket_far.send(b"x")
    print(ready(), socket_near.recv(1), ready(0))
    os.write(pipe_far, b"x")
    print(ready(), os.read(pipe_near, 1), ready(0))
    plain_far.send(1)
    print(ready(), plain_near.recv(), ready(0))
    queue.put(1)
    print(ready(), queue.get(), ready(0))
    words.send("end")
    print(ready(), ready(), ready(0))
    plain_far.close()
    print(ready(), ready(0))
    far.close()
    print(ready())
    os.close(pipe_far)
    print(ready())
    os.close(pipe_near)
    process.join()


def echo(end):
    while (number := end.recv()) is not None:
        end.send(number * 2)


@program
def both_directions_in_an_event_loop():
    async def main():
        near, far = mp.Pipe()
        process = mp.Process(target=echo, args=(far,))
        process.start()
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        numbers, heard = list(range(5)), []

        def send():
            near.send(numbers.pop(0))
            if not numbers:
                loop.remove_writer(near.fileno())

        def receive():
            heard.append(near.recv())
            if len(heard) == 5:
                loop.remove_reader(near.fileno())
                over.set()

        loop.add_writer(near.fileno(), send)
        loop.add_reader(near.fileno(), receive)
        await over.wait()
        print(heard)
        ended = asyncio.Event()
        loop.add_reader(process.sentinel, ended.set)
        near.send(None)
        await ended.wait()
        loop.remove_reader(process.sentinel)
        process.join()
        print(process.exitcode)

    asyncio.run(main())


@program
def queues_in_an_event_loop():
    async def main():
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        queue, got = mp.Queue(), []

        def get():
            got.append(queue.get())
            if len(got) == 4:
                over.set()

        loop.add_reader(queue._reader.fileno(), get)
        processes = [mp.Process(target=give_one, args=(queue,)) for _ in range(2)]
        for process in processes:
            process.start()
        queue.put("from the child")
        queue.put("from the child")
        await over.wait()
        loop.remove_reader(queue._reader.fileno())
        print(got, is_readable_now(queue._reader))
        for process in processes:
            process.join()

    asyncio.run(main())


if __name__ == "__main__":
    run_programs()
