"""NumPy arrays through a queue."""

import copyreg
import gc
import pickle
from multiprocessing import reduction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies

from onecopy import _engine

from .conftest import wait_until

NUMBERS = "?bBhHiIlLqQefdgFD"
LARGE = 100_000  # elements; of any type at least as many bytes as a view needs


def through(queue, value):
    queue.put(value)
    return queue.get()


def same_array(left, right):
    return (
        type(left) is type(right)
        and left.dtype == right.dtype
        and left.shape == right.shape
        and left.flags.writeable == right.flags.writeable
        and left.tobytes() == right.tobytes()
    )


@pytest.mark.parametrize("size", [0, 1, 7, 600, 3000, LARGE])
@pytest.mark.parametrize("code", NUMBERS)
def test_every_type_of_number_at_every_size(queue, counted, code, size):
    array = np.arange(size).astype(code)
    assert same_array(through(queue, array), array)
    assert counted("pickled") == 0


@pytest.mark.parametrize("scale", [1, 60])
@pytest.mark.parametrize(
    "view",
    [
        lambda a: a,
        lambda a: a.T,
        lambda a: np.asfortranarray(a),
        lambda a: a[::2],
        lambda a: a[:, ::3],
        lambda a: a[::-1, ::-1],
        lambda a: a[3:4, 5:9],
        lambda a: a[:, 0],
        lambda a: a[0, 0],
        lambda a: a[..., np.newaxis],
        lambda a: np.broadcast_to(a, (3, *a.shape)),
        lambda a: a.reshape(2, -1, 4, 3).transpose(2, 0, 3, 1),
        lambda a: a.view(np.int8)[:, 1:-7],
        lambda a: a[1:1],
    ],
)
def test_every_order_and_stride(queue, counted, view, scale):
    array = view(np.arange(24 * 12 * scale * scale, dtype=np.int64).reshape(24 * scale, -1))
    if not isinstance(array, np.ndarray):
        array = np.array(array)
    result = through(queue, array)
    assert same_array(result, array)
    assert result.flags.aligned
    assert counted("pickled") == 0


def test_order_is_kept(queue):
    for size in (10, 300):
        for order in "CF":
            array = np.ones((size, size + 1), order=order)
            result = through(queue, array)
            assert result.flags.c_contiguous == (order == "C")
            assert result.flags.f_contiguous == (order == "F")


def test_unaligned_arrays_arrive_aligned(queue):
    for size in (100, LARGE):
        array = np.frombuffer(bytes(8 * size + 1), np.float64, offset=1)
        result = through(queue, array)
        assert not array.flags.aligned and result.flags.aligned
        assert same_array(result, array)


@pytest.mark.parametrize("size", [10, 1000, LARGE])
def test_read_only_stays_read_only(queue, size):
    array = np.arange(size)
    array.flags.writeable = False
    result = through(queue, array)
    assert same_array(result, array)
    with pytest.raises(ValueError):
        result[0] = 1


def test_a_read_only_view_cannot_be_made_writable(queue):
    array = np.arange(LARGE)
    array.flags.writeable = False
    result = through(queue, array)
    with pytest.raises(ValueError):
        result.flags.writeable = True


@pytest.mark.parametrize("size", [10, 1000, LARGE])
def test_neither_side_sees_what_the_other_writes(queue, size):
    array = np.zeros(size)
    queue.put(array)
    array[:] = 1
    result = queue.get()
    assert (result == 0).all()
    result[:] = 2
    assert (array == 1).all()


def test_one_array_twice_is_one_array_twice(queue):
    for size in (10, LARGE):
        array = np.arange(size)
        first, second, third = through(queue, (array, [array], array))
        assert first is third and first is second[0]


@pytest.mark.parametrize(
    "array",
    [
        np.arange(10, dtype=">i4"),
        np.zeros(3, dtype=[("x", "f8"), ("y", "i4")]),
        np.array(["a", "bc"]),
        np.array([b"a", b"bc"]),
        np.array(["2020-01-01"], "M8[D]"),
        np.array([1, "two", None], dtype=object),
        np.matrix([[1, 2]]),
        np.ma.array([1, 2], mask=[0, 1]),
        np.zeros(LARGE, dtype=">f8"),
        np.zeros(10, dtype=np.dtype("f8", metadata={"unit": "m"})),
        np.clongdouble([1 + 2j]),
    ],
    ids=lambda array: f"{type(array).__name__} {array.dtype}",
)
def test_other_arrays_go_by_pickle(queue, counted, array):
    result = through(queue, array)
    expected = pickle.loads(pickle.dumps(array, 5))
    assert type(result) is type(expected)
    assert result.dtype == expected.dtype and result.dtype.metadata == expected.dtype.metadata
    assert result.tolist() == expected.tolist()
    assert counted("pickled") == 1


def test_scalars_go_by_pickle(queue):
    for scalar in (np.float64(1.5), np.int32(3), np.bool_(True)):
        result = through(queue, [scalar])[0]
        assert type(result) is type(scalar) and result == scalar


def test_arrays_of_unpickled_types_take_the_fast_path(queue, counted):
    array = pickle.loads(pickle.dumps(np.arange(5.0)))
    assert same_array(through(queue, array), array)
    assert counted("pickled") == 0


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    numpy_strategies.arrays(
        dtype=st.sampled_from([np.dtype(code) for code in NUMBERS if code != "g"]),
        shape=numpy_strategies.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=12),
    ),
    st.data(),
)
def test_any_view_of_any_array(queue, array, data):
    if array.ndim:
        array = array.transpose(data.draw(st.permutations(range(array.ndim))))
        array = array[data.draw(numpy_strategies.basic_indices(array.shape, allow_ellipsis=False))]
    if isinstance(array, np.ndarray):
        assert same_array(through(queue, array), array)


# -- where received arrays lie --------------------


def test_a_large_array_is_a_view_and_gives_its_block_back(queue):
    before = _engine.memory()["in_use"]
    result = through(queue, np.arange(LARGE))
    assert type(result.base) is _engine.Buffer
    assert _engine.memory()["in_use"] > before
    part = result[10:20]
    del result
    assert _engine.memory()["in_use"] > before
    assert part.tolist() == list(range(10, 20))
    del part
    gc.collect()
    wait_until(lambda: _engine.memory()["in_use"] <= before + 2**16)


def test_a_small_array_has_memory_of_its_own(queue):
    for size in (5, 1000, 8000):
        result = through(queue, np.arange(size, dtype=np.int64))
        assert result.base is None and result.flags.owndata


def test_a_buffer_is_a_buffer(queue):
    array = through(queue, np.arange(LARGE))
    view = memoryview(array.base)
    assert view.nbytes == array.nbytes == len(array.base) and not view.readonly
    view[:8] = (77).to_bytes(8, "little")
    assert array[0] == 77
    view.release()
    with pytest.raises(TypeError):
        _engine.Buffer()


def test_an_array_outlives_its_queue_and_its_sender(fork):
    queue = _engine.Queue()
    fork(lambda: queue.put(np.arange(LARGE))).join()
    result = queue.get()
    queue._close()
    assert (result == np.arange(LARGE)).all()


def test_received_arrays_are_private_to_each_side_of_a_fork(queue, fork):
    array = through(queue, np.zeros(LARGE))

    def child():
        assert (array == 0).all()
        array[:] = 1
        queue.put(float(array.sum()))

    fork(child).join()
    assert queue.get() == LARGE
    assert (array == 0).all()
    array[:] = 2
    assert same_array(through(queue, array), array)


# -- registered reducers --------------------


def reduce_as_list(array):
    return list, (array.tolist(),)


@pytest.mark.parametrize(
    "table", [copyreg.dispatch_table, reduction.ForkingPickler._extra_reducers]
)
def test_a_reducer_for_arrays_is_asked_from_when_it_is_registered(queue, counted, table):
    assert same_array(through(queue, np.arange(3)), np.arange(3))
    table[np.ndarray] = reduce_as_list
    try:
        queue.put(np.arange(3))
    finally:
        del table[np.ndarray]
    assert counted("pickled") == 1
    queue.get()
    assert same_array(through(queue, np.arange(3)), np.arange(3))
    assert counted("pickled") == 1


def test_a_pickler_of_the_programs_own_is_asked(queue, counted, monkeypatch):
    monkeypatch.setattr(reduction, "ForkingPickler", type("Mine", (reduction.ForkingPickler,), {}))
    queue.put(np.arange(3))
    assert counted("pickled") == 1
