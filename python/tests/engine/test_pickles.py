"""Messages that go by pickle, and their buffers out of band."""

import pickle

import numpy as np
import pytest

from onecopy import _engine


class Holder:
    """Anything with a buffer in it that pickle may take out of band."""

    def __init__(self, data):
        self.data = data

    def __reduce_ex__(self, protocol):
        return Holder, (pickle.PickleBuffer(self.data),)


def through(queue, value):
    queue.put(value)
    return queue.get()


@pytest.mark.parametrize("size", [0, 100, 4095, 4096, 5000, 70_000, 3_000_000])
@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_buffers_keep_contents_and_writability(queue, kind, size):
    data = kind(i % 251 for i in range(size))
    result = through(queue, Holder(data)).data
    view = memoryview(result)
    assert view == data
    assert view.readonly == (kind is bytes)


def test_buffers_keep_their_order(queue, counted):
    holders = [Holder(bytearray([i]) * (1000 * i)) for i in range(90)]
    results = through(queue, holders)
    assert [bytes(h.data) for h in results] == [bytes(h.data) for h in holders]
    assert counted("pickled") == 1
    assert counted("buffers_copied") >= 85


def test_one_large_buffer_is_copied_once(queue, counted):
    result = through(queue, Holder(bytearray(1_000_000)))
    assert counted("bytes_copied") == 1_000_000
    assert type(result.data) is _engine.Buffer


def test_buffers_of_either_order(queue):
    for array in (np.asfortranarray(np.arange(60_000.0).reshape(200, 300)), np.arange(9000.0)):
        result = through(queue, [Plain(array)])[0].array
        assert result.flags.writeable and (result == array).all()
        assert result.flags.f_contiguous == array.flags.f_contiguous


class Plain:
    def __init__(self, array):
        self.array = array


def test_a_buffer_in_pieces_goes_in_band(queue):
    with pytest.raises((BufferError, pickle.PicklingError)):
        queue.put(Holder(memoryview(bytearray(10_000))[::2]))
    assert queue.empty()


def test_a_data_frame(queue):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "a": np.arange(20_000),
            "b": np.random.default_rng(1).random(20_000),
            "c": ["x", "yy"] * 10_000,
        }
    )
    result = through(queue, frame)
    pandas.testing.assert_frame_equal(result, frame)
    result.loc[0, "b"] = -1.0
    assert frame.loc[0, "b"] != -1.0


def test_a_large_stream(queue):
    objects = {i: Plain(str(i)) for i in range(50_000)}
    result = through(queue, objects)
    assert [result[i].array for i in (0, 49_999)] == ["0", "49999"]


@pytest.mark.parametrize("answer", [None, "text", 3])
def test_a_pickler_must_give_bytes(queue, answer):
    _engine.set_pickler(lambda obj, callback: answer, pickle.loads)
    try:
        with pytest.raises(TypeError, match="instead of bytes"):
            queue.put({1, 2})
    finally:
        from .conftest import _dumps

        _engine.set_pickler(_dumps, pickle.loads)


def test_the_callback_is_of_no_use_afterwards(queue):
    kept = []

    def dumps(obj, callback):
        kept.append(callback)
        return pickle.dumps(obj)

    _engine.set_pickler(dumps, pickle.loads)
    try:
        queue.put({1, 2})
        with pytest.raises(ValueError):
            kept[0](pickle.PickleBuffer(b"late" * 1000))
    finally:
        from .conftest import _dumps

        _engine.set_pickler(_dumps, pickle.loads)
    assert queue.get() == {1, 2}
