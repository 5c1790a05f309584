"""Lists that stock's ShareableList has made or reads: each reads the other's as far as stock can,
and what ours writes is never cut by ours."""

from multiprocessing import shared_memory as stock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onecopy.shared_memory import ShareableList

LARGE = 1_000_000  # from here on a format has no place for a sign

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.binary(max_size=20),
    st.text("a\0é€", max_size=10),
    st.binary(max_size=3).map(lambda start: start + b"\0\0"),
)


class Both:
    """A list that one kind makes and the other attaches to, for as long as a with statement."""

    def __init__(self, maker, user, values):
        self.made = maker(values)
        self.found = user(name=self.made.shm.name)

    def __enter__(self):
        return self.made, self.found

    def __exit__(self, *exception):
        self.found.shm.close()
        self.made.shm.close()
        self.made.shm.unlink()


def as_stock_reads(value):
    if isinstance(value, bytes):
        return value.rstrip(b"\0")
    return value.rstrip("\0") if isinstance(value, str) else value


def read(shared, position):
    """The value, or the error that reading it is."""
    try:
        return shared[position]
    except UnicodeDecodeError as error:
        return str(error)


@settings(deadline=None)
@given(st.lists(VALUES, max_size=8))
def test_stocks_list_reads_as_it_does_for_stock(values):
    # What stock has cut when it made the list is cut, in the middle of a letter too.
    with Both(stock.ShareableList, ShareableList, values) as (theirs, ours):
        for position in range(len(values)):
            assert read(ours, position) == read(theirs, position)
        assert ours.format == theirs.format


@settings(deadline=None)
@given(st.lists(VALUES, max_size=8))
def test_stock_reads_ours_but_for_the_nuls_at_the_end(values):
    with Both(ShareableList, stock.ShareableList, values) as (ours, theirs):
        assert list(ours) == values
        assert list(theirs) == [as_stock_reads(value) for value in values]


@settings(deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=4), st.data())
@pytest.mark.parametrize("maker", [stock.ShareableList, ShareableList], ids=["stock's", "ours"])
def test_writing_by_turns(maker, values, data):
    with Both(maker, maker, values) as (made, _):
        ours = ShareableList(name=made.shm.name)
        theirs = stock.ShareableList(name=made.shm.name)
        for _ in range(6):
            position = data.draw(st.integers(0, len(values) - 1))
            value = data.draw(VALUES)
            writer = data.draw(st.sampled_from(["ours", "theirs"]))
            try:
                (ours if writer == "ours" else theirs)[position] = value
            except ValueError:
                continue  # no room

            expected = value if writer == "ours" else as_stock_reads(value)
            assert ours[position] == expected
            assert theirs[position] == as_stock_reads(value)
        ours.shm.close()
        theirs.shm.close()


@pytest.mark.parametrize("value", [b"a\0", "a\0", b"\0" * 8, "é\0", b"1234567\0"])
def test_what_ours_writes_into_stocks_list_is_whole(value):
    # It once lost the NULs that it ends in.
    with Both(stock.ShareableList, ShareableList, ["a place", 5]) as (theirs, ours):
        ours[0] = value
        ours[1] = value

        assert list(ours) == [value, value]
        assert list(ShareableList(name=theirs.shm.name)) == [value, value]


def test_large_values_are_whole_in_either():
    value = b"x" * (LARGE - 2) + b"\0"
    for maker in (stock.ShareableList, ShareableList):
        with Both(maker, ShareableList, [b"-" * LARGE]) as (_, ours):
            ours[0] = value
            assert ours[0] == value
            ours[0] = b"\0" * LARGE
            assert ours[0] == b"\0" * LARGE
    with Both(ShareableList, stock.ShareableList, [value + b"\0"]) as (ours, theirs):
        assert ours[0] == value + b"\0"
        assert theirs[0] == value.rstrip(b"\0")


def test_what_could_not_be_told_from_a_shorter_value_has_no_room():
    with Both(stock.ShareableList, ShareableList, [b"-" * LARGE]) as (_, ours):
        with pytest.raises(ValueError, match="exceeds available storage"):
            ours[0] = b"x" * (LARGE + 7) + b"\0"
        ours[0] = b"x" * (LARGE + 8)
        assert ours[0] == b"x" * (LARGE + 8)
