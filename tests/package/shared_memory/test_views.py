"""What looks into a segment goes on when its SharedMemory is closed. Stock's unmaps memory that an
array of NumPy's looks into, and leaks a descriptor when it is closed under a view."""

import ctypes
import os
from pickle import PickleBuffer

import pytest

from onecopy.shared_memory import SharedMemory


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def is_mapped(name):
    with open("/proc/self/maps") as maps:
        return name in maps.read()


def test_closing_under_a_view_keeps_the_view_and_no_descriptor(memory):
    # Stock's raises BufferError, keeps its descriptors, and prints the error when collected.
    before = descriptors()
    other = SharedMemory(memory.name)
    view = memoryview(other.buf)[:5]
    memory.buf[:5] = b"hello"

    other.close()

    assert other.buf is None
    assert bytes(view) == b"hello"
    view.release()
    assert descriptors() == before


@pytest.mark.parametrize("look", [memoryview, (ctypes.c_char * 1000).from_buffer, PickleBuffer])
def test_the_mapping_goes_with_the_last_view(memory, look):
    other = SharedMemory(memory.name)
    view = look(other.buf)
    other.close()

    memoryview(view).cast("B")[:2] = b"ok"
    assert bytes(memoryview(view).cast("B")[:2]) == b"ok"
    assert is_mapped(memory.name)
    del view
    assert not is_mapped(memory.name)


def test_an_array_outlives_the_closing(python):
    # NumPy keeps the buffer's object without telling it, and stock's close unmaps the memory.
    told = python(
        """
        import gc
        import numpy as np
        from onecopy.shared_memory import SharedMemory

        def array_over(name):
            return np.ndarray((1000,), "u1", buffer=SharedMemory(name).buf)

        memory = SharedMemory(create=True, size=1000)
        array = np.ndarray((1000,), "u1", buffer=memory.buf)
        collected = array_over(memory.name)
        part = array[10:20]
        gc.collect()
        memory.close()
        array[:] = 7
        print(collected.sum(), part.sum(), memory.buf)
        memory.unlink()
        """
    )
    assert (told.code, told.stdout, told.stderr) == (0, "7000 70 None\n", ""), told


def test_buf_is_released_by_closing(memory):
    view = memory.buf
    memory.close()

    with pytest.raises(ValueError, match="released memoryview"):
        view[0]
    assert memory.buf is None


def test_collecting_says_nothing(python):
    told = python(
        """
        from onecopy.shared_memory import SharedMemory
        memory = SharedMemory(create=True, size=10)
        memory.unlink()
        view = memoryview(memory.buf)
        del memory
        view[0] = 5
        other = SharedMemory(create=True, size=10)
        other.unlink()
        last = memoryview(other.buf)  # collected with the interpreter
        """
    )
    assert (told.code, told.stdout, told.stderr) == (0, "", ""), told
