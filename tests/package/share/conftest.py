"""What the tests of shared arrays have in common."""

import gc

import pytest

import onecopy as mp
from onecopy import _engine


@pytest.fixture(params=["queue", "pipe"])
def through(request):
    """Sends a value, and gives what arrives."""

    def send(value):
        if request.param == "queue":
            q = mp.Queue()
            q.put(value)
            return q.get()
        reader, writer = mp.Pipe(duplex=False)
        with reader, writer:
            writer.send(value)
            return reader.recv()

    return send


@pytest.fixture
def is_same_memory():
    """Whether two arrays look in one way at one place: a block has one address in a process."""

    def way(array):
        place = array.__array_interface__["data"][0]
        return place, array.shape, array.strides, array.dtype

    return lambda one, other: way(one) == way(other)


@pytest.fixture(autouse=True)
def nothing_left():
    """Whatever a test shares is free again when it lets go."""
    gc.collect()
    before = mp.memory()["shared"]
    yield
    gc.collect()
    _engine.reclaim_dead()
    assert mp.memory()["shared"] == before
