"""Segments and the lists in them: their ends, their children, what travels, what stock cuts."""

import multiprocessing as mp
import os
import pickle
import struct
from multiprocessing import shared_memory
from multiprocessing.shared_memory import ShareableList, SharedMemory

from telling import differs, program, run_programs, show


def in_child(target, *args):
    process = mp.Process(target=target, args=args)
    process.start()
    process.join()
    return process.exitcode


def destroy(memory):
    memory.close()
    memory.unlink()


@program
def wrong_arguments_of_memory():
    show(SharedMemory, "x", True, 1, 2, 3)
    show(SharedMemory, create=True, size="5")
    show(SharedMemory, create=True, size=None)
    show(SharedMemory, size=-1)
    show(SharedMemory, size=1)
    show(SharedMemory, "no such name of ours", size=-1)
    show(SharedMemory, 5)
    show(SharedMemory, "a/b", True, 1)
    show(SharedMemory, "a/b")
    show(SharedMemory, "/")
    show(SharedMemory, "n" * 256, True, 1)


@program
def ends_of_memory():
    memory = SharedMemory(create=True, size=4)
    memory.buf[:] = b"four"
    show(memory.buf.__setitem__, slice(0, 2), b"five")
    show(lambda: memory.buf[4])
    memory.close()
    memory.close()
    print(memory.buf, memory.size, memory.name.startswith("psm_"))
    found = SharedMemory(memory.name)
    print(bytes(found.buf))
    found.unlink()
    print(bytes(found.buf))
    found.close()


@differs(
    "`close` always closes.",
    "None\nb'abc'\nNone\nb'\\x00\\x00abc\\x00\\x00\\x00' False True 1\n",
)
def views_of_memory():
    memory = SharedMemory(create=True, size=8)
    view = memory.buf[2:5]
    show(memory.close)
    view[:] = b"abc"
    print(bytes(view))
    view.release()
    show(memory.close)
    found = SharedMemory(memory.name)
    print(bytes(found.buf), found.buf.readonly, found.buf.contiguous, found.buf.itemsize)
    destroy(found)


@program
def names_that_are_untracked():
    from multiprocessing import resource_tracker

    memory = SharedMemory(create=True, size=1)
    found = SharedMemory(memory.name)
    resource_tracker.unregister(found._name, "shared_memory")
    resource_tracker.register(found._name, "shared_memory")
    found.close()
    destroy(memory)


@program
def memory_of_a_child():
    names = mp.SimpleQueue()
    kept = SharedMemory(create=True, size=1)
    print(in_child(make_memory, names))
    memory = SharedMemory(names.get())
    print(bytes(memory.buf))
    destroy(memory)
    print(in_child(remove_memory, kept.name))
    kept.close()
    show(lambda: bool(SharedMemory(kept.name)) if os.path.exists("/dev/shm/" + kept.name) else None)


def make_memory(names):
    memory = SharedMemory(create=True, size=5)
    memory.buf[:] = b"child"
    names.put(memory.name)
    memory.close()


def remove_memory(name):
    destroy(SharedMemory(name))


@program
def memory_that_travels():
    memory = SharedMemory(create=True, size=5)
    memory.buf[:] = b"start"
    queue, (ours, theirs) = mp.Queue(), mp.Pipe()
    process = mp.Process(target=answer, args=(queue, theirs))
    process.start()
    queue.put(memory)
    print(ours.recv(), bytes(memory.buf))
    ours.send(memory)
    print(ours.recv(), bytes(memory.buf))
    process.join()
    unpickled = pickle.loads(pickle.dumps(memory))
    print(bytes(unpickled.buf))
    destroy(memory)


def answer(queue, end):
    for receive, text in ((queue.get, b"queue"), (end.recv, b"pipes")):
        memory = receive()
        memory.buf[:] = text
        memory.close()
        end.send(type(memory).__name__)


@program
def lists_of_every_kind():
    for values in (
        [],
        [None, True, False, 0, -1, 2**63 - 1, -(2**63)],
        [0.0, -0.0, float("inf"), 1e300],
        ["", "a", "1234567", "12345678", "a longer text", "in\0side"],
        [b"", b"a", b"12345678", b"\0inside"],
        [1, "two", b"three", 4.0, None, True],
    ):
        shared = ShareableList(values)
        print(len(shared), list(shared), shared.format, shared.shm.size)
        print([type(value).__name__ for value in shared])
        destroy(shared.shm)
    shared = ShareableList()
    print(len(shared), list(shared), shared.format)
    destroy(shared.shm)


@program
def changes_of_lists():
    shared = ShareableList([1, "text", b"bytes", None, True, 0.5])
    for position, value in (
        (0, 5), (0, "8 chars!"), (0, None), (1, 2.5), (1, "12345678"), (1, ""), (-1, b"\xff"),
        (2, False), (3, 2**40), (4, -1.5), (5, "ä"),
    ):  # fmt: skip
        shared[position] = value
        print(list(shared), shared.format)
    show(shared.__setitem__, 0, "nine char")
    show(shared.__setitem__, 0, b"nine char")
    show(shared.__setitem__, 6, 1)
    show(shared.__setitem__, -100, 1)
    show(shared.__setitem__, "a", 1)
    show(shared.__setitem__, slice(0, 1), [1])
    show(shared.__setitem__, 0, [1])
    show(lambda: shared[6])
    show(lambda: shared["a"])
    show(lambda: shared[0.0])
    show(lambda: shared[:])
    print(list(shared), shared.count(False), shared.index(-1.5), 2**40 in shared)
    show(shared.index, "missing")
    show(lambda: shared.append)
    destroy(shared.shm)


@program
def wrong_arguments_of_lists():
    show(ShareableList, 5)
    show(ShareableList, [[]])
    show(ShareableList, [1j])
    show(ShareableList, [type("Text", (str,), {})("a")])
    show(ShareableList, [1], "name")
    try:
        ShareableList(name="no such name of ours")
    except FileNotFoundError as error:
        print(error.errno)
    show(lambda: ShareableList[int])


@program
def lists_that_travel():
    shared = ShareableList([1, "text"], name=f"onecopy_same_{os.getpid()}")
    unpickled = pickle.loads(pickle.dumps(shared))
    unpickled[0] = 2
    print(list(shared), in_child(change, shared), list(unpickled))
    copied = ShareableList(shared)
    print(list(copied), copied.shm.name != shared.shm.name)
    unpickled.shm.close()
    destroy(copied.shm)
    destroy(shared.shm)


def change(shared):
    shared[1] = "child"
    shared.shm.close()


@program
def memory_of_a_manager():
    from multiprocessing.managers import SharedMemoryManager

    with SharedMemoryManager() as manager:
        memory, shared = manager.SharedMemory(5), manager.ShareableList(["a", 2])
        print(in_child(make_changes, memory, shared), bytes(memory.buf), list(shared))
        memory.close()
        shared.shm.close()
        names = memory.name, shared.shm.name
    print([os.path.exists("/dev/shm/" + name) for name in names])
    show(manager.SharedMemory, 5)


def make_changes(memory, shared):
    memory.buf[:] = b"child"
    shared[0] = 0.5


@differs(
    "A `ShareableList` keeps every value whole.",
    "['a\\x00', b'\\x00', 'üüüüüüüü']\n['a', b'b\\x00\\x00', 'üüüüüüüü']\n",
)
def values_that_stock_cuts():
    shared = ShareableList(["a\0", b"\0", "12345678" * 2])
    shared[2] = "ü" * 8
    print(list(shared))
    shared[0], shared[1] = "a", b"b\0\0"
    print(list(shared))
    destroy(shared.shm)


@differs(
    "A value that does not fit changes nothing",
    "error: ['text', 1]\nIndexError: index out of range\n",
)
def changes_that_fail():
    shared = ShareableList(["text", 1])
    try:
        shared[0] = 2**64
    except struct.error:
        print("error:", list(shared))
    show(lambda: shared[-3])
    destroy(shared.shm)


@program
def names_of_the_module():
    print(shared_memory.__all__, SharedMemory.__name__, ShareableList.__name__)
    print(issubclass(SharedMemory, shared_memory.SharedMemory))


if __name__ == "__main__":
    run_programs()
