"""Shared NumPy arrays: what can be one, and what it is like."""

import numpy as np
import pytest

import onecopy as mp

KINDS = {
    "bool": np.array([True, False, True]),
    "int8": np.arange(3, dtype="i1"),
    "uint64": np.arange(3, dtype="u8"),
    "float16": np.arange(3, dtype="f2"),
    "float64": np.arange(3.0),
    "longdouble": np.arange(3, dtype="g"),
    "complex": np.arange(3) * 1j,
    "other byte order": np.arange(3, dtype=">i4"),
    "text": np.array(["a", "ß€", ""]),
    "bytes": np.array([b"a", b"bc", b""]),
    "time": np.array(["2024-02-29", "NaT", "1970-01-01"], dtype="M8[ns]"),
    "span of time": np.arange(3, dtype="m8[s]"),
    "structure": np.array([(1, 2.5, "x"), (2, 0.5, "y"), (3, 0, "z")], dtype="i4,f8,U3"),
    "raw": np.array([b"abc", b"d", b""], dtype="V5"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_array_of_any_kind_can_be_shared(through, kind, is_same_memory):
    source = KINDS[kind]
    shared = mp.share(source)
    assert type(shared) is np.ndarray
    assert shared.dtype == source.dtype
    assert shared.tobytes() == source.tobytes()

    received = through(shared)
    assert is_same_memory(received, shared)
    received[0] = source[2]
    assert shared[0] == source[2]


def test_share_copies_what_is_there_now():
    source = np.arange(1_000_000.0)
    shared = mp.share(source)
    source[0] = 7

    assert shared[0] == 0
    assert shared[999_999] == 999_999


def test_what_is_shared_already_is_given_back_as_it_is():
    shared = mp.zeros((4, 4))
    part = shared[1:, ::2]

    assert mp.share(shared) is shared
    assert mp.share(part) is part


def test_what_numpy_makes_an_array_of_can_be_shared():
    assert mp.share([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert mp.share(2.5)[()] == 2.5


def test_an_array_without_dimensions(through):
    shared = mp.share(np.array(2.5))
    received = through(shared)
    received[()] = 3.5

    assert shared.shape == ()
    assert shared == 3.5


@pytest.mark.parametrize("shape", [(0,), (3, 0, 2)])
def test_an_array_without_elements(through, shape):
    received = through(mp.share(np.zeros(shape)))

    assert received.shape == shape
    assert received.dtype == float


def test_fortran_order_stays(through):
    shared = mp.share(np.asfortranarray(np.arange(6).reshape(2, 3)))
    received = through(shared)

    assert shared.flags.fnc
    assert received.flags.fnc
    assert received.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_an_array_with_gaps_is_shared_without_them():
    shared = mp.share(np.arange(20).reshape(4, 5)[::2, 1:4])

    assert shared.flags.c_contiguous
    assert shared.tolist() == [[1, 2, 3], [11, 12, 13]]


def test_it_is_writable_as_its_source_is(through):
    source = np.arange(3)
    assert through(mp.share(source)).flags.writeable

    source.flags.writeable = False
    received = through(mp.share(source))
    assert not received.flags.writeable


@pytest.mark.parametrize(
    "make", [mp.empty, mp.zeros, lambda *given: mp.full(given[0], 1, given[1])]
)
def test_objects_cannot_be_shared(make):
    with pytest.raises(TypeError, match="dtype object cannot be shared: its elements are Python"):
        make(3, object)
    with pytest.raises(TypeError, match="Python objects"):
        make(3, [("a", int), ("b", object)])


def test_an_array_of_objects_cannot_be_shared():
    with pytest.raises(TypeError, match="dtype object cannot be shared"):
        mp.share(np.array([1, "a", None], dtype=object))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [7, (2, 3), [4], ()])
def test_new_ones_are_as_numpy_has_them(shape, order):
    for dtype in (float, "i2", "U3", [("a", int), ("b", "f4")]):
        for name in ("empty", "zeros"):
            ours = getattr(mp, name)(shape, dtype, order)
            numpys = getattr(np, name)(shape, dtype, order)
            assert (ours.shape, ours.dtype, ours.strides) == (
                numpys.shape,
                numpys.dtype,
                numpys.strides,
            )
        assert (mp.zeros(shape, dtype) == np.zeros(shape, dtype)).all()
    assert (mp.full(shape, 7, order=order) == np.full(shape, 7, order=order)).all()


def test_full_has_the_dtype_of_its_value():
    assert mp.full(2, 7).dtype == np.full(2, 7).dtype
    assert mp.full(2, "abc").tolist() == ["abc", "abc"]
    assert mp.full(2, 2.9, int).tolist() == [2, 2]
    assert mp.full((2, 2), [1, 2]).tolist() == [[1, 2], [1, 2]]


def test_zeros_are_zero_where_others_wrote():
    for size in (10, 100_000):
        mp.full(size, 7.0)
        assert not mp.zeros(size).any()


@pytest.mark.parametrize("shape", [-1, (2, -3)])
def test_no_array_has_a_negative_shape(shape):
    with pytest.raises(ValueError, match="negative dimensions are not allowed"):
        mp.zeros(shape)


def test_what_does_not_fit_is_refused_beforehand(python):
    outcome = python(
        """
        import onecopy as mp

        try:
            mp.zeros(2_000_000)
        except MemoryError as error:
            print("ONECOPY_MEMORY_LIMIT" in str(error))
        """,
        ONECOPY_MEMORY_LIMIT="10M",
    )
    assert outcome.stdout == "True\n", outcome


def test_without_numpy_there_is_one_clear_error(python):
    outcome = python(
        """
        import sys

        sys.modules["numpy"] = None
        from onecopy import *
        import onecopy as mp

        try:
            mp.zeros(3)
        except ImportError as error:
            print(error)
        """
    )
    assert outcome.stdout == (
        "shared arrays are NumPy's, which is not installed: pip install numpy\n"
    ), outcome
