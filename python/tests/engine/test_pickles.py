"""Messages that go by pickle, and their buffers out of band."""

import pickle

import numpy as np
import pytest

from onecopy import _engine

from .conftest import plain_dump, plain_dumps


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


@pytest.fixture
def set_dump():
    """Sets what an object is pickled by."""
    yield lambda dump: _engine.set_pickler(dump, plain_dumps, pickle.loads)
    _engine.set_pickler(plain_dump, plain_dumps, pickle.loads)


@pytest.mark.parametrize("answer", ["text", 3])
def test_a_pickler_must_write_or_give_bytes(queue, set_dump, answer):
    set_dump(lambda obj, sink: answer)

    with pytest.raises(TypeError, match="instead of bytes"):
        queue.put({1, 2})


def test_a_pickler_may_give_bytes(queue, set_dump):
    set_dump(lambda obj, sink: plain_dumps(obj))

    queue.put({1, 2})

    assert queue.get() == {1, 2}


def test_a_pickler_that_writes_nothing_sends_what_cannot_be_read(queue, set_dump):
    set_dump(lambda obj, sink: None)
    queue.put({1, 2})

    with pytest.raises(EOFError):
        queue.get()


def test_the_sink_is_of_no_use_afterwards(queue, set_dump):
    kept = []

    def dump(obj, sink):
        kept.append(sink)
        plain_dump(obj, sink)

    set_dump(dump)
    queue.put({1, 2})

    for late in (kept[0].take_buffer, kept[0].write):
        with pytest.raises(ValueError, match="is over"):
            late(pickle.PickleBuffer(b"late" * 1000))
    assert queue.get() == {1, 2}


# -- blocks that are made for one message ----------------------------------------------------------


class Staged:
    """Gives its data in a block that it has made for the message; `then` is called in between."""

    def __init__(self, data, then=lambda: None):
        self.data = data
        self.then = then

    def __reduce_ex__(self, protocol):
        buffer = _engine.Buffer._copy(self.data)
        self.then()
        return bytes, (pickle.PickleBuffer(buffer),)


def test_a_staged_block_is_taken_and_not_copied(queue, counted):
    data = bytes(range(250)) * 4000

    assert through(queue, [Staged(data)]) == [data]
    assert counted("bytes_copied") == len(data)


def test_a_staged_block_that_a_fork_made_common_is_copied(queue, counted, fork):
    data = bytes(range(250)) * 4000

    assert through(queue, [Staged(data, then=lambda: fork(lambda: None))]) == [data]
    assert counted("bytes_copied") == 2 * len(data)


def test_pickling_that_fails_leaves_no_staged_block(queue):
    with pytest.raises((pickle.PicklingError, AttributeError)):
        queue.put([Staged(bytes(1_000_000)), bytearray(1_000_000), lambda: None])
    assert queue.empty()


def test_a_staged_block_is_written_by_who_made_it(queue):
    class Zeros:
        def __reduce_ex__(self, protocol):
            buffer = _engine.Buffer._make(100_000)
            memoryview(buffer)[:] = bytes(100_000)
            return bytes, (pickle.PickleBuffer(buffer),)

    assert through(queue, [Zeros()]) == [bytes(100_000)]


# -- large data that pickle has in its stream ------------------------------------------------------

# Picklers of CPython write data of this many bytes on by themselves.
LARGE = 64 * 1024

TEXTS = {"ascii": "x", "umlaut": "\u00e4", "euro": "\u20ac", "smile": "\U0001f600"}
TEXTS["surrogate"] = "\udc80"


@pytest.mark.parametrize("length", [LARGE - 1, LARGE, LARGE + 1, 1_000_000])
@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_large_data_go_out_of_band_whatever_stands_around_them(queue, kind, length):
    data = kind(i % 251 for i in range(length))
    for value in ({1: {2}, 3: data}, [{0}, data, data, b"", kind(data)], (data, *"abc", {5})):
        result = through(queue, [value, {1}])
        assert result == [value, {1}]


@pytest.mark.parametrize("letter", TEXTS.values(), ids=TEXTS)
def test_large_text_goes_out_of_band(queue, letter):
    text = letter * LARGE
    assert through(queue, [{1}, text, "small", text[1:]]) == [{1}, text, "small", text[1:]]


def test_one_object_stays_one(queue):
    data, text = bytearray(LARGE), "x" * LARGE
    result = through(queue, [{1}, data, text, data, text])

    assert result[1] is result[3] and result[2] is result[4]


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_large_data_are_copied_once(queue, counted, kind):
    through(queue, [{1}, kind(1_000_000)])

    assert counted("bytes_copied") == 1_000_000


def test_data_out_of_band_and_in_the_stream_keep_their_order(queue):
    value = []
    for i in range(40):
        value += [Holder(bytearray([i]) * LARGE), bytes([i]) * LARGE, chr(i + 60) * LARGE, {i}]

    result = through(queue, value)

    assert [bytes(each.data) for each in result[::4]] == [each.data for each in value[::4]]
    for first in (1, 2, 3):
        assert result[first::4] == value[first::4]


@pytest.mark.parametrize("opcode", [b"B", b"X", b"\x8e", b"\x8d", b"\x96"])
def test_data_that_look_like_the_announcement_of_others_do_no_harm(queue, opcode):
    """Frames of many lengths, each of which ends in what could announce the next."""
    for size in (4, 8):
        announcement = opcode + (LARGE + 10).to_bytes(size, "little")
        for filling in range(LARGE - 40, LARGE + 3):
            value = [{1}, b"x" * (filling // 2), b"y" * (filling - filling // 2) + announcement]
            value += ["z" * 200] * 3
            assert through(queue, value) == value


def test_a_sink_takes_what_any_pickler_writes(queue, set_dump):
    """Pickle's own in Python writes in other pieces; announcements that nothing follows stay."""

    def dump(obj, sink):
        stream = plain_dumps(obj)
        for first in range(0, len(stream), 7):
            sink.write(stream[first : first + 7])

    set_dump(dump)
    value = [{1}, b"B\x07\0\0\0" * 50, b"x" * 100]

    assert through(queue, value) == value
