"""NumPy arrays between processes: what docs/differences.md says of them, and what moves."""

import sys

import numpy as np
import pytest

import onecopy as mp


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


@pytest.mark.parametrize("length", [3, 1_000_000])
def test_a_received_array_is_writable_and_its_receivers_alone(through, length):
    sent = np.arange(float(length))
    received = through(sent)
    assert (received == sent).all()

    received[0] = 7
    assert sent[0] == 0
    sent[1] = 9
    assert received[1] == 1


def test_a_large_received_array_does_not_own_its_data(through):
    received = through(np.zeros(1_000_000))

    assert not received.flags.owndata
    with pytest.raises(ValueError, match="does not own its data"):
        received.resize(2_000_000, refcheck=False)


@pytest.mark.parametrize("length", [3, 1_000_000])
def test_a_read_only_array_stays_so(through, length):
    sent = np.arange(float(length))
    sent.flags.writeable = False
    received = through(sent)

    assert not received.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        received[0] = 1


def test_a_foreign_byte_order_stays(through):
    assert through(np.arange(3, dtype=">i4")).dtype == np.dtype(">i4")


@pytest.mark.parametrize("dtype", ["U2", "S5", [("a", "i4"), ("b", "f8")]])
def test_a_small_array_of_text_or_structures_owns_its_data(through, dtype):
    """It looked into a buffer, and could not be resized."""
    received = through(np.zeros(3, dtype))

    assert received.flags.owndata
    received.resize(5, refcheck=False)
    assert received.dtype == np.dtype(dtype)


# Whether the interpreter lets the engine see that nobody else has what is put.
MOVES = sys.version_info >= (3, 11)

RESULTS = """
    import onecopy as mp
    import sys
    {}

    def child(q):
        import numpy
        from onecopy import _engine
        for n in (1_000_000, 10_000_000):
            q.put(numpy.ones(n) * 2)
        figures = _engine.trace()
        q.put((figures["buffers_moved"], figures["bytes_copied"]))

    if __name__ == "__main__":
        mp.set_start_method(sys.argv[1])
        q = mp.Queue()
        process = mp.Process(target=child, args=(q,))
        process.start()
        print(*[float(q.get().sum()) for _ in range(2)], *q.get())
        process.join()
"""


def test_a_childs_temporary_moves(python, method):
    outcome = python(RESULTS.format("import numpy"), method)
    moved = "2 0" if MOVES else "0 88000000"
    assert outcome.stdout == f"2000000.0 20000000.0 {moved}\n", outcome


def test_where_a_child_loads_numpy_late_its_second_temporary_moves(python, method):
    outcome = python(RESULTS.format(""), method)
    moved = "1 8000000" if MOVES else "0 88000000"
    assert outcome.stdout == f"2000000.0 20000000.0 {moved}\n", outcome


def test_a_parents_temporary_moves_on_request(python):
    outcome = python(
        """
        import numpy
        import onecopy as mp
        from onecopy import _engine
        q = mp.Queue()
        for wanted in (False, True):
            if wanted:
                print(mp.install_allocator())
            before = _engine.trace()["buffers_moved"]
            q.put(numpy.ones(1_000_000) * 2)
            print(_engine.trace()["buffers_moved"] - before, q.get().sum())
        """
    )
    assert outcome.stdout == f"0 2000000.0\nTrue\n{int(MOVES)} 2000000.0\n", outcome
