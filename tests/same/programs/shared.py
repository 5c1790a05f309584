"""Shared values and arrays, ctypes, and memory with a name."""

import array
import ctypes
import multiprocessing as mp
import os
import pickle
from multiprocessing import shared_memory, sharedctypes
from multiprocessing.reduction import ForkingPickler

from telling import program, run_programs, show


class Spot(ctypes.Structure):
    _fields_ = [("x", ctypes.c_int), ("y", ctypes.c_double), ("marks", ctypes.c_short * 3)]


def in_child(target, *args):
    process = mp.Process(target=target, args=args)
    process.start()
    process.join()
    return process.exitcode


@program
def values_of_every_code():
    for code in "bBhHiIlLqQ":
        value = mp.Value(code, 5)
        value.value += 2
        print(code, value.value, type(value).__name__, mp.RawValue(code).value)
    for code, first in (("f", 1.5), ("d", 0.1), ("c", b"x"), ("u", "ä")):
        print(code, mp.Value(code, first).value, mp.Value(code).value)


@program
def values_between_processes():
    number, real, raw = mp.Value("i", 1), mp.Value(ctypes.c_double, 0.5), mp.RawValue("q", 3)
    print(in_child(change_values, number, real, raw), number.value, real.value, raw.value)


def change_values(number, real, raw):
    with number.get_lock():
        number.value += 41
    real.value *= 3
    raw.value = -(2**60)


@program
def wrong_arguments_of_values():
    show(mp.Value)
    show(mp.Value, "z")
    show(mp.Value, 5)
    show(mp.Value, "i", "text")
    show(mp.Value, "i", 1.5)
    show(mp.Value, "i", 1, 2)
    show(mp.Value, "i", 1, lock="yes")
    show(mp.Value, "i", lock=5)
    show(mp.RawValue, "i", "text")
    show(mp.Value, "c", "text")
    value = mp.Value("b")
    show(setattr, value, "value", "x")
    value.value = 300
    print(value.value)
    show(lambda: mp.Value("i", lock=False).get_lock())


@program
def locks_of_values():
    lock = mp.Lock()
    value = mp.Value("i", 3, lock=lock)
    print(value.get_lock() is lock, value.get_obj().value, value.acquire(), value.release())
    with value:
        print(value.value if isinstance(value.get_lock(), type(mp.RLock())) else "held")
    plain = mp.Value("i", 3, lock=False)
    print(type(plain).__name__, plain.value)
    both = mp.Value("i", 1)
    with both, both.get_lock():
        print(both.value)


@program
def arrays():
    for code, first in (("i", [1, 2, 3]), ("d", 3), ("c", b"abc"), ("h", range(3)), ("B", b"ab")):
        shared = mp.Array(code, first)
        print(code, len(shared), shared[:], shared[0], type(shared).__name__)
    text = mp.Array("c", 10)
    text.value = b"hello"
    print(text.value, text.raw, text[:])
    wide = mp.Array("u", "häß")
    print(wide[:])


@program
def places_in_arrays():
    shared = mp.Array("i", range(10))
    print(shared[-1], shared[2:5], shared[::-2], list(shared), shared[10:], shared[3:-3])
    shared[0] = 9
    shared[1:3] = [7, 8]
    shared[-1] = -5
    print(shared[:], sum(shared))
    show(lambda: shared[10])
    show(lambda: shared[-11])
    show(shared.__setitem__, 10, 1)
    show(shared.__setitem__, 0, "x")
    show(shared.__setitem__, slice(0, 2), [1])
    show(lambda: shared["a"])
    show(shared.__setitem__, slice(0, 2), [1, 2.5])


@program
def arrays_between_processes():
    shared, raw = mp.Array("d", 5), mp.RawArray("i", [1, 2])
    print(in_child(change_arrays, shared, raw), shared[:], raw[:])


def change_arrays(shared, raw):
    with shared.get_lock():
        for index in range(len(shared)):
            shared[index] += index / 2
    raw[:] = [5, 6]


@program
def wrong_arguments_of_arrays():
    show(mp.Array)
    show(mp.Array, "i")
    show(mp.Array, "z", 3)
    show(mp.Array, "i", -1)
    show(mp.Array, "i", 1.5)
    show(mp.Array, "i", ["a"])
    show(mp.Array, "i", None)
    show(mp.Array, "i", 3, lock="yes")
    show(mp.RawArray, "i", -1)
    show(lambda: len(mp.Array("i", 0)))
    show(lambda: mp.Array("i", 3, lock=False).get_lock())
    show(lambda: mp.Array("i", 3).value)


@program
def structures():
    spot = mp.Value(Spot, 1, 2.5, (1, 2, 3))
    spots = mp.Array(Spot, [(1, 2.0), (3, 4.0)])
    print(in_child(move, spot, spots), spot.x, spot.y, spot.marks[:], [(s.x, s.y) for s in spots])
    raw = sharedctypes.RawValue(Spot, 7)
    copy = sharedctypes.copy(raw)
    copy.x = 8
    print(raw.x, copy.x)


def move(spot, spots):
    spot.x += 1
    spot.marks[1] = 20
    for each in spots:
        each.y *= 10


@program
def arrays_as_buffers():
    shared = mp.Array("i", range(4))
    view = memoryview(shared.get_obj())
    print(view.nbytes, view.readonly, view.format)
    raw = mp.RawArray("B", 4)
    memoryview(raw).cast("B")[:] = b"abcd"
    print(bytes(raw))
    try:
        import numpy as np
    except ImportError:
        return
    numbers = np.frombuffer(shared.get_obj(), "i4")
    numbers += 1
    print(shared[:])


@program
def synchronized():
    raw = sharedctypes.RawArray("i", 3)
    wrapped = sharedctypes.synchronized(raw)
    wrapped[0] = 4
    print(raw[0], type(wrapped).__name__, wrapped.get_obj() is raw)
    show(sharedctypes.synchronized, wrapped)


@program
def shared_pickled_for_anybody():
    for shared in (mp.Value("i"), mp.Array("i", 3), mp.RawValue("i"), mp.RawArray("i", 3)):
        try:
            ForkingPickler.dumps(shared)
        except Exception as error:
            print(type(error).__name__, str(error)[:60])


@program
def memory_with_a_name():
    memory = shared_memory.SharedMemory(create=True, size=100)
    memory.buf[:5] = b"hello"
    print(len(memory.name) > 5, memory.size >= 100, in_child(write_memory, memory.name))
    print(bytes(memory.buf[:5]))
    memory.close()
    memory.unlink()
    show(shared_memory.SharedMemory, create=True, size=0)
    show(shared_memory.SharedMemory, create=True, size=-1)
    show(shared_memory.SharedMemory)
    try:
        shared_memory.SharedMemory("no such name of ours")
    except FileNotFoundError as error:
        print(error.errno)


def write_memory(name):
    memory = shared_memory.SharedMemory(name)
    memory.buf[:5] = b"world"
    memory.close()


@program
def memory_as_an_argument():
    memory = shared_memory.SharedMemory(create=True, size=10)
    print(in_child(fill_memory, memory), bytes(memory.buf[:3]))
    memory.close()
    memory.unlink()
    print(repr(memory).startswith("SharedMemory("))


def fill_memory(memory):
    memory.buf[:3] = b"abc"
    memory.close()


@program
def lists_in_memory():
    shared = shared_memory.ShareableList([1, 2.5, "text", b"bytes", None, True])
    print(shared, len(shared), shared.format, shared.count(1), shared.index("text"))
    print(in_child(change_list, shared), list(shared))
    show(lambda: shared[6])
    show(shared.__setitem__, 2, "much longer than the text was before")
    show(shared.index, "nothing")
    shared.shm.close()
    shared.shm.unlink()


def change_list(shared):
    shared[0] = 7
    shared[2] = "changed"[:4]
    shared[5] = False
    shared.shm.close()


@program
def names_of_memory():
    name = f"same-{os.getpid()}"
    memory = shared_memory.SharedMemory(name=name, create=True, size=5)
    print(memory, memory.name, memory.size, len(memory.buf), memory.buf.format)
    show(shared_memory.SharedMemory, name, True, 5)
    other = shared_memory.SharedMemory(name, size=900)
    other.buf[4] = 200
    print(memory.buf.tolist(), other)
    other.close()
    other.close()
    print(other.buf, other.size, other)
    show(lambda: other.buf[0])
    memory.unlink()
    show(memory.unlink)
    show(shared_memory.SharedMemory, name)
    view = memory.buf
    memory.close()
    show(lambda: view[0])


@program
def pickled_memory():
    memory = shared_memory.SharedMemory(create=True, size=5)
    numbers = shared_memory.ShareableList([1, "a"])
    for each in (memory, numbers):
        print(pickle.loads(pickle.dumps(each)).__class__.__name__)
    other, others = pickle.loads(pickle.dumps((memory, numbers)))
    other.buf[0], others[0] = 9, 8
    print(memory.buf[0], numbers[0], other.name == memory.name, others)
    for each in (other, others.shm):
        each.close()
    for each in (memory, numbers.shm):
        each.close()
        each.unlink()


@program
def places_in_lists():
    shared = shared_memory.ShareableList([0, "text", b"bytes", None, False, 0.5])
    for position, value in ((0, "eight by"), (1, 3), (1, "texts"), (2, None), (3, -1), (-1, True)):
        shared[position] = value
        print(list(shared), shared.format)
    show(lambda: shared[6])
    show(lambda: shared["a"])
    show(lambda: shared[1:2])
    show(shared.__setitem__, 6, 1)
    show(shared.__setitem__, 0, [])
    show(shared.__setitem__, 0, "nine bytes")
    show(shared_memory.ShareableList, [{}])
    print(len(shared), 3 in shared, "texts" in shared, list(reversed(shared)), max([*shared][:1]))
    shared.shm.close()
    shared.shm.unlink()


@program
def kinds_of_arrays():
    print(sharedctypes.typecode_to_type["i"] is ctypes.c_int, array.array("i", mp.Array("i", 2)))
    print(isinstance(mp.RawArray("i", 2), ctypes.Array), isinstance(mp.RawValue("i"), ctypes.c_int))


if __name__ == "__main__":
    run_programs()
