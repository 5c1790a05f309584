"""What works where there is nothing but Onecopy, and no NumPy. Prints "all" at its end."""

import importlib.util

import onecopy as mp
from onecopy.shared_memory import SharedMemory


def answer(queue, value):
    queue.put([value, "answered"])


def send(pipe, value):
    pipe.send(value)
    pipe.close()


def count(counter, lock):
    with lock:
        counter.value += 1


def answers_of(context):
    queue = context.Queue()
    process = context.Process(target=answer, args=(queue, b"x" * 1_000_000))
    process.start()
    answered = queue.get()
    process.join()
    return answered


def received_by(context):
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=send, args=(writer, (1.5, [2] * 100_000)))
    process.start()
    received = reader.recv()
    process.join()
    return received


def counted_by(context):
    counter, lock = context.Value("i", 0), context.Lock()
    processes = [context.Process(target=count, args=(counter, lock)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return counter.value


def main():
    assert importlib.util.find_spec("numpy") is None
    for method in mp.get_all_start_methods():
        context = mp.get_context(method)
        assert answers_of(context) == [b"x" * 1_000_000, "answered"]
        assert received_by(context) == (1.5, [2] * 100_000)
        assert counted_by(context) == 2
        with context.Pool(2) as pool:
            assert pool.map(abs, [-1, -2]) == [1, 2]
    with mp.Manager() as manager:
        assert dict(manager.dict(a=1)) == {"a": 1}
    memory = SharedMemory(create=True, size=10)
    memory.close()
    memory.unlink()
    assert mp.Array("d", [1, 2])[:] == [1.0, 2.0]
    assert not mp.install_allocator()
    try:
        mp.zeros(3)
    except ImportError as error:
        assert "NumPy" in str(error)
    print("all")


if __name__ == "__main__":
    main()
