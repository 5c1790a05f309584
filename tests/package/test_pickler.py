"""Pickling of what the engine does not know: whose reducers count, and from when on."""

import copyreg
import pickle
from multiprocessing import context, reduction

import pytest

import onecopy as mp
from onecopy import _pickler


class Point:
    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return type(other) is Point and other.x == self.x

    __hash__ = None


def by_forking_pickler(point):
    return str, (f"forking pickler {point.x}",)


def by_forking_pickler_anew(point):
    return str, (f"anew {point.x}",)


def by_copyreg(point):
    return str, (f"copyreg {point.x}",)


@pytest.fixture(autouse=True)
def registries_as_before(monkeypatch):
    monkeypatch.setattr(copyreg, "dispatch_table", copyreg.dispatch_table.copy())
    extra = reduction.ForkingPickler._extra_reducers
    monkeypatch.setattr(reduction.ForkingPickler, "_extra_reducers", extra.copy())


def there_and_back(value):
    return _pickler.loads(_pickler.dumps(value))


def test_a_reducer_counts_from_when_it_is_registered():
    assert there_and_back(Point(1)) == Point(1)
    copyreg.pickle(Point, by_copyreg)
    assert there_and_back(Point(1)) == "copyreg 1"
    reduction.register(Point, by_forking_pickler)
    assert there_and_back(Point(1)) == "forking pickler 1"
    reduction.register(Point, by_forking_pickler_anew)
    assert there_and_back(Point(1)) == "anew 1"


def test_a_reducer_no_longer_counts_once_it_is_gone():
    copyreg.pickle(Point, by_copyreg)
    assert there_and_back(Point(1)) == "copyreg 1"
    del copyreg.dispatch_table[Point]
    assert there_and_back(Point(1)) == Point(1)


def test_the_table_is_made_anew_only_where_a_registry_changed():
    first = _pickler._reducers()
    assert _pickler._reducers() is first
    reduction.register(Point, by_forking_pickler)
    second = _pickler._reducers()
    assert second is not first and second[Point] is by_forking_pickler
    assert _pickler._reducers() is second


def test_the_reducer_of_a_program_is_asked(monkeypatch):
    class Shouting(reduction.ForkingPickler):
        @classmethod
        def dumps(cls, obj, protocol=None):
            return pickle.dumps(str(obj).upper())

    class Reduction(reduction.AbstractReducer):
        ForkingPickler = Shouting

    monkeypatch.setattr(context, "reduction", Reduction())
    queue = mp.Queue()
    queue.put({"quiet": {1}})

    assert queue.get() == there_and_back({"quiet": {1}}) == "{'QUIET': {1}}"


def test_buffers_stay_in_the_stream_where_nobody_takes_them():
    data = bytearray(b"x" * 100_000)
    assert there_and_back([pickle.PickleBuffer(data)]) == [data]


class Nested:
    def __reduce__(self):
        return bytes, (_pickler.dumps([1, 2]),)


def test_pickling_may_pickle():
    assert _pickler.loads(there_and_back(Nested())) == [1, 2]


def test_what_cannot_be_pickled_says_why():
    with pytest.raises((pickle.PicklingError, AttributeError), match="local object|<lambda>"):
        _pickler.dumps(lambda: 0)
