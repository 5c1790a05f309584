"""ShareableList keeps every value whole. Stock's strips NULs that belong to a value, counts the
letters of a text where it needs the bytes, and changes an item before it finds that the new value
does not fit."""

import os
import pickle
import struct
from multiprocessing import shared_memory as stock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import onecopy as mp
from onecopy.shared_memory import ShareableList

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.binary(max_size=40),
    st.text(max_size=40),
    st.text("a\0é€😀", max_size=20),
    st.binary(max_size=3).map(lambda start: start + b"\0\0"),
)


class Sharing:
    """A list in memory, for as long as a with statement."""

    def __init__(self, values, kind=ShareableList):
        self.shared = kind(values)

    def __enter__(self):
        return self.shared

    def __exit__(self, *exception):
        self.shared.shm.close()
        self.shared.shm.unlink()


def test_is_one_of_stocks():
    with Sharing([1]) as shared:
        assert isinstance(shared, stock.ShareableList)
        assert isinstance(shared.shm, mp.shared_memory.SharedMemory)
        assert ShareableList[int].__origin__ is ShareableList


@pytest.mark.parametrize(
    "value",
    [
        b"\0",
        b"ends in\0\0",
        "\0",
        "é" * 7,
        "€" * 8,
        "😀" * 100,
        b"x" * 8,
        "eight by",
        "",
        b"",
        "a\0",
    ],
)
def test_keeps_a_value_whole(value):
    with Sharing([1, value, 2]) as shared:
        assert list(shared) == [1, value, 2]
        assert list(ShareableList(name=shared.shm.name)) == [1, value, 2]


@settings(deadline=None)
@given(st.lists(VALUES, max_size=12))
def test_keeps_lists_of_values(values):
    with Sharing(values) as shared:
        found = list(shared)

        assert found == values
        assert list(map(type, found)) == list(map(type, values))
        assert repr(shared) == f"ShareableList({values!r}, name={shared.shm.name!r})"
        assert len(shared) == len(values)
        for value in values:
            assert shared.index(value) == values.index(value)
            assert shared.count(value) == values.count(value)


@settings(deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=6), st.data())
def test_takes_a_value_whole_or_not_at_all(values, data):
    with Sharing(values) as shared:
        for _ in range(6):
            position = data.draw(st.integers(-len(values), len(values) - 1))
            value = data.draw(VALUES)
            expected = list(values)
            expected[position] = value
            try:
                shared[position] = value
            except ValueError as error:
                assert str(error) == "bytes/str item exceeds available storage"
                expected = values
            values = expected

            assert list(shared) == values
            assert list(ShareableList(name=shared.shm.name)) == values


@pytest.mark.parametrize(
    "value",
    [2**63, -(2**63) - 1, [], object(), 1j, "\ud800", "nine bytes", "ééééé"],
    ids=["large", "small", "list", "object", "complex", "surrogate", "bytes", "letters"],
)
@pytest.mark.parametrize("before", [7, "text", b"b\0", None])
def test_an_unfit_value_changes_nothing(before, value):
    with Sharing([before, 5]) as shared, Sharing([before, 5], stock.ShareableList) as other:
        with pytest.raises(Exception) as raised:
            shared[0] = value
        with pytest.raises(Exception) as expected:
            other[0] = value

        assert (raised.type, str(raised.value)) == (expected.type, str(expected.value))
        assert list(shared) == [before, 5]


@pytest.mark.parametrize("value", [2**63, [], "\ud800"], ids=["large", "list", "surrogate"])
def test_an_unfit_value_leaves_no_segment_behind(value):
    with pytest.raises((struct.error, KeyError, UnicodeEncodeError)):
        ShareableList(["fit", value], name="onecopy-unfit")

    assert not os.path.exists("/dev/shm/onecopy-unfit")


@pytest.mark.parametrize("position", [2, -3, 100, -100])
def test_has_no_items_beyond_its_ends(position):
    with Sharing([1, 2]) as shared:
        with pytest.raises(IndexError, match="^index out of range$"):
            shared[position]
        with pytest.raises(IndexError, match="^assignment index out of range$"):
            shared[position] = 1


def test_index_of_what_is_not_there():
    with Sharing([1]) as shared, pytest.raises(ValueError, match="'x' not in this container"):
        shared.index("x")


VALUES_OF_EVERY_KIND = [1, 2.5, True, False, None, "text", b"bytes", "exactly8", "", -(2**63)]


def test_has_the_format_and_the_size_of_stocks():
    values = VALUES_OF_EVERY_KIND
    with Sharing(values) as shared, Sharing(values, stock.ShareableList) as other:
        assert (shared.format, shared.shm.size) == (other.format, other.shm.size)
        for position, value in ((5, 3), (5, "new"), (0, None), (0, "text"), (6, b""), (4, 1.5)):
            shared[position] = other[position] = value
            assert shared.format == other.format


def test_takes_any_iterable():
    with Sharing(number * 2 for number in range(3)) as shared:
        assert list(shared) == [0, 2, 4]


def test_travels_by_its_name():
    with Sharing(["a\0", 1]) as shared:
        other = pickle.loads(pickle.dumps(shared))
        other[1] = 2

        assert list(shared) == ["a\0", 2]
        assert other.shm.name == shared.shm.name
        other.shm.close()
