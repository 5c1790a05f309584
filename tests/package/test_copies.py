"""How often a large buffer is copied on its way: once by the sender, into shared memory, and by the
receiver only where its object must own its data. The engine counts the first copy, and tracemalloc
shows every other."""

import array
import collections
import dataclasses
import importlib.util
import tracemalloc

import numpy as np
import pytest

import onecopy as mp
from onecopy import _engine

SIZE = 4_000_000  # bytes of each value


@dataclasses.dataclass
class Held:
    """What the engine knows nothing of, so that pickle has to walk it."""

    value: object


Pair = collections.namedtuple("Pair", "left right")


class Marked(np.ndarray):
    """A class of arrays as programs have them."""


def numbers(dtype="f8"):
    return np.arange(SIZE // np.dtype(dtype).itemsize).astype(dtype)


def with_gaps(dtype="f8"):
    return np.arange(2 * SIZE // np.dtype(dtype).itemsize).astype(dtype)[::2]


def read_only(made):
    made.flags.writeable = False
    return made


def records(*types):
    dtype = np.dtype([(f"f{index}", each) for index, each in enumerate(types)])
    return np.zeros(SIZE // dtype.itemsize, dtype)


def memory_map():
    import tempfile

    with tempfile.TemporaryFile() as file:
        return np.memmap(file, "f8", "w+", shape=SIZE // 8)


# What arrives looks into the memory that the sender copied to.
SEEN = {
    "numbers": numbers,
    "numbers with gaps": with_gaps,
    "numbers in columns": lambda: np.asfortranarray(numbers().reshape(100, -1)),
    "numbers in foreign order": lambda: numbers(">f8"),
    "numbers in foreign order, with gaps": lambda: with_gaps(">f8"),
    "numbers in an object": lambda: Held(numbers()),
    "numbers with gaps in an object": lambda: Held(with_gaps()),
    "numbers in columns in an object": lambda: Held(np.asfortranarray(numbers().reshape(100, -1))),
    "numbers in a named tuple": lambda: Pair(numbers(), {1}),
    "numbers in a deque": lambda: collections.deque([numbers()]),
    "dates": lambda: numbers("M8[s]"),
    "dates with gaps": lambda: with_gaps("M8[s]"),
    "dates in columns": lambda: np.asfortranarray(numbers("M8[s]").reshape(100, -1)),
    "dates in foreign order": lambda: numbers(">M8[s]"),
    "dates that may not be written": lambda: read_only(numbers("m8[us]")),
    "text of one width": lambda: numbers("U10"),
    "bytes of one width": lambda: numbers("S10"),
    "records": lambda: records("i8", "f4", "f4"),
    "records with gaps": lambda: np.concatenate([records("i8", "f8")] * 2)[::2],
    "records of dates": lambda: records("M8[s]", "f8"),
    "a recarray": lambda: records("i8", "f8").view(np.recarray),
    "a matrix": lambda: numbers().reshape(100, -1).view(np.matrix),
    "a memory map": memory_map,
    "a class of its own": lambda: numbers().view(Marked),
    "a class of its own, with gaps": lambda: with_gaps().view(Marked),
}

# The receiver makes an object that owns its data.
OWNED = {
    "bytes": lambda: bytes(SIZE),
    "bytes in an object": lambda: Held(bytes(SIZE)),
    "bytes in a set": lambda: {bytes(SIZE)},
    "a bytearray": lambda: bytearray(SIZE),
    "a bytearray in an object": lambda: Held(bytearray(SIZE)),
    "text": lambda: "x" * SIZE,
    "array.array": lambda: array.array("d", bytes(SIZE)),
    "array.array in an object": lambda: Held(array.array("b", bytes(SIZE))),
}

if importlib.util.find_spec("pandas"):
    import pandas as pd

    SEEN.update(
        {
            "a frame of numbers": lambda: pd.DataFrame(numbers().reshape(-1, 10)),
            "a frame of dates": lambda: pd.DataFrame({"a": numbers("M8[s]")}),
            "a frame of dates with a zone": lambda: pd.DataFrame(
                {"a": pd.to_datetime(numbers("i8"), unit="s", utc=True)}
            ),
            "a frame of spans": lambda: pd.DataFrame({"a": numbers("m8[s]")}),
            "a frame of categories": lambda: pd.DataFrame(
                {"a": pd.Categorical.from_codes(np.zeros(SIZE, "i1"), ["x", "y"])}
            ),
            "a frame of numbers or none": lambda: pd.DataFrame(
                {"a": pd.array(np.arange(SIZE // 9), dtype="Int64")}
            ),
            "a series of truths": lambda: pd.Series(np.zeros(SIZE, "?")),
            "an index": lambda: pd.Index(numbers()),
        }
    )

if importlib.util.find_spec("scipy"):
    import scipy.sparse

    SEEN.update(
        {
            "a sparse matrix by rows": lambda: scipy.sparse.csr_matrix(
                np.ones((10, SIZE // 120), "f8")
            ),
            "a sparse matrix by diagonals": lambda: scipy.sparse.eye(SIZE // 8).todia(),
        }
    )

if importlib.util.find_spec("pyarrow"):
    import pyarrow

    SEEN.update(
        {
            "a table of Arrow": lambda: pyarrow.table({"a": numbers()}),
            "text of Arrow": lambda: pyarrow.array(["12345678"] * (SIZE // 12)),
        }
    )

if importlib.util.find_spec("xarray"):
    import xarray

    def measured(count):
        times = np.arange(count).astype("M8[ns]")
        return xarray.DataArray(np.ones(count), {"t": ("x", times)}, "x")

    SEEN["an array with names"] = lambda: measured(SIZE // 16)


class Cost:
    """What a call copied into shared memory, and made of objects beside that; in bytes."""

    def __enter__(self):
        self._copied = _engine.trace()["bytes_copied"]
        tracemalloc.start()
        return self

    def __exit__(self, *_):
        self.made = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        self.copied = _engine.trace()["bytes_copied"] - self._copied


def costs_of(value):
    """Of sending it, and of receiving it."""
    queue = mp.Queue()
    queue.put(value)  # what is imported and remembered once is there from now on
    queue.get()
    with Cost() as sending:
        queue.put(value)
    with Cost() as receiving:
        queue.get()
    return sending, receiving


# What describes a large buffer is small.
LITTLE = SIZE // 10


@pytest.mark.parametrize("make", SEEN.values(), ids=SEEN)
def test_a_large_buffer_is_copied_once(make):
    sending, receiving = costs_of(make())

    assert SIZE - LITTLE < sending.copied < SIZE + LITTLE
    assert sending.made < LITTLE
    assert receiving.made < LITTLE and receiving.copied == 0


@pytest.mark.parametrize("make", OWNED.values(), ids=OWNED)
def test_what_owns_its_data_is_copied_once_by_each_side(make):
    sending, receiving = costs_of(make())

    assert SIZE - LITTLE < sending.copied < SIZE + LITTLE
    assert sending.made < LITTLE
    assert SIZE <= receiving.made < SIZE + 3 * LITTLE and receiving.copied == 0


def test_array_array_is_copied_once_beside_managers_too():
    """Whose module registers a reducer for it, through a copy."""
    import multiprocessing.managers

    assert array.array in multiprocessing.reduction.ForkingPickler._extra_reducers
    sending, _ = costs_of(Held(array.array("d", bytes(SIZE))))

    assert sending.made < LITTLE


def test_a_masked_array_is_copied_once_and_so_is_its_mask():
    masked = np.ma.masked_array(numbers(), np.zeros(SIZE // 8, "?"))
    sending, receiving = costs_of(masked)

    assert SIZE * 9 // 8 <= sending.copied < SIZE * 9 // 8 + LITTLE
    assert sending.made < LITTLE
    assert receiving.made < LITTLE and receiving.copied == 0


def test_a_list_of_numbers_is_copied_once_as_numbers():
    for value in ([0.5] * (SIZE // 8), [1] * (SIZE // 8)):
        sending, _ = costs_of(value)

        assert sending.copied == SIZE
        assert sending.made < LITTLE


def test_text_in_an_object_is_encoded_by_pickle_and_copied_once():
    sending, receiving = costs_of(Held("x" * SIZE))

    assert SIZE - LITTLE < sending.copied < SIZE + LITTLE
    assert sending.made < SIZE + LITTLE
    assert receiving.made < SIZE + LITTLE


def test_a_large_object_in_a_large_message_leaves_nothing_behind(nothing_leaks):
    for make in (*SEEN.values(), *OWNED.values()):
        costs_of(make())
