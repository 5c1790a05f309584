import multiprocessing as mp
import multiprocessing.connection
import socket
import sys


def say(writer, number):
    writer.send(number)


if __name__ == "__main__":
    mp.set_start_method(sys.argv[1])
    wait = getattr(mp, "connection", multiprocessing.connection).wait
    pipes = [mp.Pipe(duplex=False) for _ in range(3)]
    near, far = socket.socketpair()
    readers = [reader for reader, _ in pipes]
    print(wait([], timeout=0), wait(readers, timeout=0.01), wait([near], timeout=-1))
    processes = [mp.Process(target=say, args=(writer, n)) for n, (_, writer) in enumerate(pipes)]
    for process, (_, writer) in zip(processes, pipes):
        process.start()
        writer.close()
    heard = []
    waiting = set(readers)
    while waiting:
        for reader in wait(list(waiting)):
            try:
                heard.append(reader.recv())
            except EOFError:
                waiting.discard(reader)
    print(sorted(heard))
    sentinels = [process.sentinel for process in processes]
    while sentinels:
        for sentinel in wait([*sentinels, near], timeout=30):
            sentinels.remove(sentinel)
    for process in processes:
        process.join()
    print("all gone")
    far.send(b"x")
    reader, writer = mp.Pipe(duplex=False)
    print([thing is near for thing in wait([near, reader])])
    writer.send(1)
    print(len(wait([near, reader, far.fileno()], 5)))
    writer.close()
    for bad in ([object()], [-1], [reader, reader]):
        try:
            wait(bad, 0)
        except (ValueError, KeyError) as error:
            print(type(error).__name__)
    reader.close()
    try:
        wait([reader], 0)
    except OSError as error:
        print(error)
