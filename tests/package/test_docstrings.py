"""Every public name says what it is. help() is where a person at the prompt looks."""

import inspect

import pytest

import onecopy as mp

SHARED_ARRAYS = ("empty", "full", "share", "zeros")
BETWEEN_PROGRAMS = ("Door", "find", "join", "publish", "published", "withdraw")

# What the package has instead of stock's classes, and the names that it gives them.
MADE = {
    "Queue": lambda: mp.Queue(),
    "JoinableQueue": lambda: mp.JoinableQueue(),
    "SimpleQueue": lambda: mp.SimpleQueue(),
    "Pipe": lambda: mp.Pipe()[0],
    "Lock": lambda: mp.Lock(),
    "RLock": lambda: mp.RLock(),
    "Semaphore": lambda: mp.Semaphore(),
    "BoundedSemaphore": lambda: mp.BoundedSemaphore(),
    "Condition": lambda: mp.Condition(),
    "Event": lambda: mp.Event(),
    "Barrier": lambda: mp.Barrier(1),
    "Array": lambda: mp.Array("i", 1),
    "Value": lambda: mp.Value("i"),
}


def are_ours(thing):
    return getattr(thing, "__module__", "").startswith("onecopy")


def test_every_function_and_class_of_the_package_has_one():
    names = [*mp.__all__, *SHARED_ARRAYS, *BETWEEN_PROGRAMS]

    bare = [name for name in names if are_ours(getattr(mp, name)) and not getattr(mp, name).__doc__]

    assert bare == []


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_every_method_has_one(make):
    kind = type(make())

    bare = [
        f"{owner.__name__}.{name}"
        for owner in kind.__mro__
        if are_ours(owner)
        for name, member in vars(owner).items()
        if not name.startswith("_") and callable(member) and not inspect.getdoc(member)
    ]

    assert inspect.getdoc(kind)
    assert bare == []


@pytest.mark.parametrize("name", ["Queue.put", "Queue.get", "Lock.acquire", "Event.wait"])
def test_a_time_out_has_its_unit(name):
    made, _, method = name.partition(".")

    assert "seconds" in getattr(MADE[made](), method).__doc__
