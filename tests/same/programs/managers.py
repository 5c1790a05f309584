"""Managers and their proxies."""

import multiprocessing as mp
from multiprocessing.managers import BaseManager, BaseProxy, NamespaceProxy, SharedMemoryManager

from telling import program, run_programs


class Counter:
    def __init__(self, first=0):
        self.number = first

    def count(self, step=1):
        self.number += step
        return self.number

    def fail(self):
        raise LookupError("in the server")

    def numbers(self):
        yield from range(self.number)

    def _private(self):
        return "private"


class CounterProxy(BaseProxy):
    _exposed_ = ("count", "fail")

    def count(self, step=1):
        return self._callmethod("count", (step,))

    def fail(self):
        return self._callmethod("fail")


class Own(BaseManager):
    pass


Own.register("Counter", Counter)
Own.register("Proxied", Counter, CounterProxy)
Own.register("exposing", Counter, exposed=("count", "_private"))


def told(call, *arguments):
    """Of an exception in the server, which has its traceback in it, the type alone."""
    try:
        print(call(*arguments))
    except Exception as error:
        print(type(error).__name__, str(error).splitlines()[:1])


def in_child(target, *args):
    process = mp.Process(target=target, args=args)
    process.start()
    process.join()
    return process.exitcode


@program
def dictionaries():
    with mp.Manager() as manager:
        shared = manager.dict({"a": 1}, b=2)
        print(in_child(shared.update, {"c": [1, 2]}), shared, sorted(shared), len(shared))
        shared["d"] = {"inner": 1}
        shared["d"]["inner"] = 5
        print(shared["d"], shared.get("x", 0), "a" in shared, shared.pop("a"), shared.copy())
        told(lambda: shared["nothing"])
        print(sorted(shared.items())[0], sorted(shared.keys()), shared.setdefault("e", 7))


@program
def lists():
    with mp.Manager() as manager:
        shared = manager.list([3, 1, 2])
        print(in_child(shared.append, 0), shared, len(shared), shared[1:], shared[-1])
        shared.sort()
        shared += [9]
        print(shared[:], shared.index(9), shared.count(1), 9 in shared, shared * 2)
        told(lambda: shared[10])
        told(shared.remove, 77)
        nested = manager.list([shared, manager.dict(a=1)])
        nested[0].append("deep")
        print(shared[-1], nested[1]["a"])


@program
def namespaces_and_values():
    with mp.Manager() as manager:
        names = manager.Namespace(x=1)
        names.y = [2]
        print(in_child(change_names, names), names.x, names.y, names)
        told(lambda: names.nothing)
        value, array = manager.Value("i", 5), manager.Array("i", [1, 2])
        print(in_child(change_value, value, array), value.value, array[:], value, array)


def change_names(names):
    names.x += 10
    names.y.append("lost")


def change_value(value, array):
    value.value += 1
    array[0] = 9


@program
def queues():
    with mp.Manager() as manager:
        queue, joinable = manager.Queue(2), manager.JoinableQueue()
        print(in_child(queue.put, "from a child"), queue.get(), queue.empty(), queue.qsize())
        queue.put(1)
        queue.put(2)
        told(queue.put, 3, False)
        told(queue.get, True, 0.01) if queue.empty() else print(queue.get(), queue.full())
        joinable.put(1)
        joinable.get()
        joinable.task_done()
        joinable.join()
        told(joinable.task_done)


@program
def locks():
    with mp.Manager() as manager:
        lock, event, semaphore = manager.Lock(), manager.Event(), manager.Semaphore(1)
        print(
            lock.acquire(),
            in_child(lock.release),
            event.is_set(),
            in_child(event.set),
            event.wait(5),
        )
        print(semaphore.acquire(False), semaphore.acquire(False))
        with manager.RLock(), manager.Condition() as entered:
            print(entered)
        print(manager.Barrier(1).wait())
        told(lock.release)


@program
def own_manager():
    with Own() as manager:
        counter = manager.Counter(5)
        print(counter.count(), counter.count(step=10), in_child(counter.count), counter.count(0))
        told(counter.fail)
        told(lambda: counter.number)
        told(lambda: counter._private)
        proxied = manager.Proxied()
        print(proxied.count(3), type(proxied).__name__, proxied._getvalue().number)
        told(proxied.fail)
        print(manager.exposing()._private())
        told(lambda: manager.exposing().fail)
        told(counter.count, "text")
        told(lambda: manager.Counter(1, 2, 3))


@program
def states_of_a_manager():
    manager = Own()
    told(manager.Counter)
    told(lambda: manager.address)
    told(manager.shutdown) if hasattr(manager, "shutdown") else print("nothing to shut down")
    manager.start()
    told(manager.start)
    print(manager.Counter(1).count())
    manager.shutdown()
    told(manager.Counter)


@program
def initializer_of_a_manager():
    manager = Own()
    manager.start(print, ("in the server",))
    print(manager.Counter(1).count())
    manager.shutdown()
    told(Own().start, 5)


@program
def manager_by_address():
    server = Own(("127.0.0.1", 0), b"key")
    server.start()
    client = Own(server.address, b"key")
    client.connect()
    print(client.Counter(3).count())
    stranger = Own(server.address, b"another key")
    told(stranger.connect)
    server.shutdown()


@program
def dropped_objects():
    with Own() as manager:
        first = manager.Counter(1)
        second = manager.Counter(2)
        print(manager._number_of_objects())
        del first
        print(manager._number_of_objects(), second.count())


@program
def proxies_in_a_pool():
    with mp.Manager() as manager, mp.Pool(2) as pool:
        shared, queue = manager.dict(), manager.Queue()
        pool.starmap(put_into, [(shared, queue, number) for number in range(4)])
        print(sorted(shared.items()), sorted(queue.get() for _ in range(4)))
        print(pool.apply(len, (shared,)))


def put_into(shared, queue, number):
    shared[number] = number * 2
    queue.put(number)


@program
def memory_of_a_manager():
    with SharedMemoryManager() as manager:
        memory, shared = manager.SharedMemory(10), manager.ShareableList([1, "a"])
        memory.buf[0] = 5
        print(memory.buf[0], list(shared), in_child(set_byte, memory), memory.buf[0])


def set_byte(memory):
    memory.buf[0] = 9


@program
def names_of_proxies():
    print(issubclass(NamespaceProxy, BaseProxy))
    with mp.Manager() as manager:
        for proxy in (manager.dict(), manager.list(), manager.Queue(), manager.Namespace()):
            print(type(proxy).__name__, str(proxy)[:20].partition("0x")[0])


@program
def pool_of_a_manager():
    with mp.Manager() as manager:
        pool = manager.Pool(2)
        print(pool.map(abs, [-1, 2]), pool.apply(max, (1, 5)))
        told(pool.apply, divide, (1, 0))
        pool.terminate()


def divide(a, b):
    return a / b


@program
def conditions_and_barriers():
    with mp.Manager() as manager:
        condition, barrier, shared = manager.Condition(), manager.Barrier(2), manager.list()
        process = mp.Process(target=notify_and_meet, args=(condition, barrier, shared))
        with condition:
            process.start()
            print(condition.wait(30), condition.wait_for(lambda: True))
        barrier.wait()
        process.join()
        print(shared, barrier.parties, barrier.n_waiting, barrier.broken)


def notify_and_meet(condition, barrier, shared):
    with condition:
        shared.append("notified")
        condition.notify_all()
    barrier.wait()


@program
def proxies_on_the_way():
    with mp.Manager() as manager:
        shared, queue = manager.list(), manager.Queue()
        process = mp.Process(target=append_to_the_first, args=(queue,))
        process.start()
        queue.put(shared)
        process.join()
        print(shared, len(manager.list([shared, shared])))


def append_to_the_first(queue):
    queue.get().append("from a child")


@program
def objects_of_many_kinds():
    with mp.Manager() as manager:
        shared = manager.dict()
        for number, value in enumerate(
            (None, 2**100, "text \ud800", b"bytes", bytearray(b"x"), {1, 2}, (1, [2]), 1j, int)
        ):
            shared[number] = value
            print(shared[number])
        big = list(range(100_000))
        shared["big"] = big
        print(shared["big"] == big, shared["big"] is big)
        told(shared.__setitem__, "unfit", lambda: 0)
        told(shared.__setitem__, [], 1)
        told(manager.list([iter([])]).__getitem__, 0)
        print(len(shared))


if __name__ == "__main__":
    run_programs()
