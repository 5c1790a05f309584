"""Shared NumPy arrays: what is sent is a reference, and the last who has one frees the memory."""

import copy
import gc
import os
import pickle
import signal
import time
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import onecopy as mp
from onecopy import _engine

KILLS = 300 if os.environ.get("ONECOPY_TEST_LONG") else 10

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


def place_of(array):
    return array.__array_interface__["data"][0]


def is_same_memory(one, other):
    """In one process a block lies at one address."""
    return (place_of(one), one.shape, one.strides, one.dtype) == (
        place_of(other),
        other.shape,
        other.strides,
        other.dtype,
    )


@pytest.fixture(autouse=True)
def nothing_left():
    """Whatever a test shares is free again when it lets go."""
    gc.collect()
    before = mp.memory()["shared"]
    yield
    gc.collect()
    _engine.reclaim_dead()
    assert mp.memory()["shared"] == before


# -- making one -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_an_array_of_any_kind_can_be_shared(through, kind):
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


# -- sending one ----------------------------------------------------------------------------------

VIEWS = {
    "part": lambda a: a[1:3, 2:4],
    "steps": lambda a: a[::2, ::3],
    "backwards": lambda a: a[::-1, ::-2],
    "transposed": lambda a: a.T,
    "column": lambda a: a[:, 1],
    "element": lambda a: a[2, 3, ...],
    "flat": lambda a: a.reshape(-1),
    "diagonal": lambda a: a.diagonal(),
    "repeated": lambda a: np.broadcast_to(a[0], (3, 6)),
    "other type": lambda a: a.view("i2"),
    "real part": lambda a: a.view(complex).real,
    "of a buffer": lambda a: np.frombuffer(memoryview(a), dtype="i4"),
    "with a class": lambda a: a.view(np.recarray),
}


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_arrives_as_a_view_of_the_same_memory(through, view):
    shared = mp.share(np.arange(24.0).reshape(4, 6))
    sent = VIEWS[view](shared)
    received = through(sent)

    assert type(received) is type(sent)
    assert received.flags.writeable == sent.flags.writeable
    assert is_same_memory(received, sent)


@st.composite
def slices(draw, length):
    bounds = st.none() | st.integers(-length - 1, length + 1)
    return slice(
        draw(bounds), draw(bounds), draw(st.integers(1, 3)) * draw(st.sampled_from([1, -1]))
    )


@st.composite
def views(draw):
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    shared = mp.empty(
        shape, draw(st.sampled_from(["i1", "f8", "U3", "M8[s]"])), "CF"[draw(st.booleans())]
    )
    view = shared[tuple(draw(slices(extent)) for extent in shape)]
    return view.transpose(draw(st.permutations(range(view.ndim))))


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(views())
def test_whatever_view_arrives_as_what_it_was(through, view):
    received = through(view)

    assert (received.shape, received.dtype) == (view.shape, view.dtype)
    assert view.size == 0 or is_same_memory(received, view)


@dataclass
class Frame:
    name: str
    pixels: np.ndarray


def test_it_is_shared_wherever_in_a_message_it_is(through):
    shared = mp.zeros(3)
    other = mp.zeros((2, 2))
    listed, mapped, (deep, again) = through(
        [[shared], {"a": shared[1:]}, (Frame("x", other), Frame("y", other))]
    )

    assert is_same_memory(listed[0], shared)
    assert is_same_memory(mapped["a"], shared[1:])
    assert is_same_memory(deep.pixels, other)
    assert again.pixels is deep.pixels


def test_it_is_shared_in_a_data_frame(through):
    pandas = pytest.importorskip("pandas")
    shared = mp.share(np.arange(12.0).reshape(3, 4))
    received = through(pandas.DataFrame(shared, copy=False))

    assert np.shares_memory(received.to_numpy(), shared)


def test_what_gives_its_array_out_of_band_gives_a_part_of_the_memory(through):
    shared = mp.share(np.arange(10_000))
    received = through(Picky(shared[5000:]))

    assert is_same_memory(received.array, shared[5000:])


class Picky:
    def __init__(self, array):
        self.array = array

    def __reduce_ex__(self, protocol):
        return Picky.of, (pickle.PickleBuffer(self.array), self.array.dtype)

    @staticmethod
    def of(buffer, dtype):
        return Picky(np.frombuffer(buffer, dtype))


def test_ordinary_arrays_beside_it_are_copied_as_ever(through):
    ordinary = np.arange(100_000)
    shared, copied = through([mp.zeros(3), ordinary])
    copied[0] = 7

    assert shared.tolist() == [0, 0, 0]
    assert ordinary[0] == 0


def test_copies_are_ordinary_arrays():
    shared = mp.share(np.arange(3))
    for made in (
        shared + 1,
        shared.copy(),
        copy.deepcopy(shared),
        pickle.loads(pickle.dumps(shared)),
        pickle.loads(pickle.dumps(shared, 5)),
        pickle.loads(ForkingPickler.dumps(shared)),
        np.empty_like(shared),
    ):
        made[0] = 9
        assert not np.shares_memory(made, shared)
        assert mp.share(made) is not made
    assert shared.tolist() == [0, 1, 2]


def test_a_masked_array_is_copied(through):
    shared = mp.share(np.arange(3.0))
    received = through(np.ma.MaskedArray(shared, [True, False, False]))
    received[1] = 9

    assert shared.tolist() == [0, 1, 2]
    assert received.mask.tolist() == [True, False, False]


# -- who has it -----------------------------------------------------------------------------------


def shared_bytes():
    return mp.memory()["shared"]


def test_the_last_holder_frees_it(through):
    before = shared_bytes()
    shared = mp.zeros(1_000_000)
    assert shared_bytes() - before >= 8_000_000

    received = through(shared[10:])
    del shared
    assert shared_bytes() - before >= 8_000_000
    del received
    assert shared_bytes() == before


def test_a_message_holds_it():
    before = shared_bytes()
    q = mp.Queue()
    q.put(mp.full(1_000_000, 7))
    assert shared_bytes() - before >= 8_000_000

    assert q.get()[999_999] == 7
    assert shared_bytes() == before


def test_it_goes_with_the_last_who_could_receive_it():
    before = shared_bytes()
    q = mp.Queue()
    q.put([mp.zeros(1_000_000), mp.zeros(10)])
    assert shared_bytes() - before >= 8_000_000

    del q
    assert shared_bytes() == before


def test_what_could_not_be_sent_leaves_nothing():
    before = shared_bytes()
    q = mp.Queue()
    with pytest.raises(AttributeError):
        q.put([mp.zeros(1_000_000), lambda: 1])
    gc.collect()

    assert shared_bytes() == before


def send_one_and_die(q, how):
    q.put(mp.full(1_000_000, 7))
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("how", ["killed", "ended"])
def test_it_outlives_its_sender(how):
    q = mp.Queue()
    sender = mp.Process(target=send_one_and_die, args=(q, how))
    sender.start()
    sender.join()

    received = q.get()
    assert (received == 7).all()
    received[0] = 8


def receive_and_die(q):
    received = q.get()
    received[0] = 8
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_receiver_that_dies_holds_it_no_more():
    before = shared_bytes()
    q = mp.Queue()
    shared = mp.zeros(1_000_000)
    q.put(shared)
    receiver = mp.Process(target=receive_and_die, args=(q,))
    receiver.start()
    receiver.join()

    assert shared[0] == 8
    del shared
    assert shared_bytes() == before


def pass_around(inbox, outbox):
    while True:
        array, view = inbox.get()
        view[0] += 1
        outbox.put((array, array[:, 1:].T))


@pytest.mark.parametrize("kill_after", [0.0, 0.001, 0.003])
def test_whoever_is_killed_while_arrays_go_round_leaves_nothing(kill_after):
    before = shared_bytes()
    for _ in range(KILLS):
        there, back = mp.Queue(), mp.Queue()
        worker = mp.Process(target=pass_around, args=(there, back))
        worker.start()
        for _ in range(3):
            array = mp.zeros((2, 1000))
            there.put((array, array[0]))
        there.put(back.get())
        time.sleep(kill_after)  # anywhere in its work, a different place each time
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()

        left = [each for q in (there, back) for each in drain(q)]
        assert all(array.shape == (2, 1000) for array, _ in left)
        assert all(np.shares_memory(array, view) for array, view in left)
        del left, array, there, back, worker
    gc.collect()
    assert shared_bytes() == before


def drain(q):
    values = []
    while not q.empty():
        values.append(q.get())
    return values


PROGRAM = """
    import sys
    from dataclasses import dataclass

    import numpy as np

    import onecopy as mp


    @dataclass
    class Task:
        array: np.ndarray


    def work(array, task, q):
        array[0] = 1
        task.array[0, 1] = 2
        q.put(task.array[1:])


    if __name__ == "__main__":
        context = mp.get_context(sys.argv[1])
        before = mp.memory()["shared"]
        array = mp.zeros(1_000_000)
        table = mp.share(np.arange(6).reshape(3, 2).T)
        q = context.Queue()
        for round in range(2):
            child = context.Process(target=work, args=(array[2:], Task(table), q))
            child.start()
            received = q.get()
            child.join()
            print(child.exitcode, array[2], table.tolist(), received.tolist())
            received[0, 0] = 7
            print(table.tolist())
        del array, table, received
        child.close()
        del child
        print(mp.memory()["shared"] - before)
    """


def test_processes_of_every_start_method_get_it(python, method):
    outcome = python(PROGRAM, method)
    assert outcome.stdout == (
        "0 1.0 [[0, 2, 4], [1, 3, 5]] [[1, 3, 5]]\n"
        "[[0, 2, 4], [7, 3, 5]]\n"
        "0 1.0 [[0, 2, 4], [7, 3, 5]] [[7, 3, 5]]\n"
        "[[0, 2, 4], [7, 3, 5]]\n"
        "0\n"
    ), outcome


def give_away(q, method):
    context = mp.get_context(method)
    ready = context.Queue()
    context.Process(target=send_back, args=(mp.full(1_000_000, 7), ready, q)).start()
    ready.get()
    os.kill(os.getpid(), signal.SIGKILL)


def send_back(array, ready, q):
    parent = os.getppid()
    ready.put(None)
    while os.getppid() == parent:
        time.sleep(0.001)
    q.put([array, os.getpid()])


def test_a_child_keeps_what_it_was_given_when_its_parent_is_gone(soon_gone):
    q = mp.Queue()
    parent = mp.Process(target=give_away, args=(q, "fork"))
    parent.start()
    parent.join()

    received, pid = q.get()
    assert (received == 7).all()
    assert soon_gone([pid])


def fill(part):
    part[...] = os.getpid()
    return part


def test_a_pool_works_on_parts_of_it():
    shared = mp.zeros((4, 1000), dtype=int)
    with mp.Pool(2) as pool:
        parts = pool.map(fill, [shared[i] for i in range(4)], chunksize=1)

    assert (shared != 0).all()
    for i in range(4):
        assert is_same_memory(parts[i], shared[i])
