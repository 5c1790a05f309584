"""Temporaries move: an array that its maker gives up is handed on without a copy.

The same test asks of everything that only looks like a temporary that it is copied.
"""

import functools
import gc
import queue as stock_queue
import sys
import threading
import tracemalloc
import types
import weakref

import numpy as np
import pytest

from onecopy import _engine

try:
    from numpy._core import multiarray
except ImportError:  # before NumPy 2
    from numpy.core import multiarray

N = 100_000  # elements of 8 bytes: large enough for a block of its own


@pytest.fixture(autouse=True, scope="module")
def arrays_born_in_the_arena():
    assert _engine.install_allocator()
    yield
    # Nothing in between put another in its place.
    assert multiarray.get_handler_name() == "onecopy_arena"


def fresh():
    return np.arange(N, dtype=np.float64)


def check(result):
    assert (result == np.arange(N)).all() and result.flags.writeable
    result[0] = 5


# Before 3.11 the interpreter does not show who pushed an argument, so everything is copied.
MOVES = sys.version_info >= (3, 11)


def assert_moved(counted, moved, copied=0):
    if not MOVES:
        moved, copied = 0, moved + copied
    assert (counted("buffers_moved"), counted("buffers_copied")) == (moved, copied)


def test_an_argument_moves(queue, counted):
    queue.put(fresh())
    check(queue.get())
    assert_moved(counted, 1)


def test_it_keeps_its_place_in_memory(queue):
    address = []

    def made():
        array = fresh()
        address.append(array.__array_interface__["data"][0])
        return array

    queue.put(made())
    received = queue.get().__array_interface__["data"][0]
    assert (received == address[0]) == MOVES


def test_results_of_arithmetic_move(queue, counted):
    array = fresh()
    queue.put(array * 1)
    queue.put(array[::-1].copy()[::-1].copy())
    check(queue.get())
    check(queue.get())
    assert_moved(counted, 2)


def test_what_is_in_a_temporary_container_moves(queue, counted):
    queue.put((1, fresh(), [fresh()], {"k": fresh()}))
    _, first, (second,), table = queue.get()
    for array in (first, second, table["k"]):
        check(array)
    assert_moved(counted, 3)


def test_a_view_of_a_temporary_moves_with_all_of_it(queue, counted):
    queue.put(fresh().reshape(100, -1))
    queue.put(fresh().reshape(100, -1).T)
    queue.put(fresh()[100:])
    assert queue.get().shape == (100, N // 100)
    assert queue.get().flags.f_contiguous
    result = queue.get()
    assert result[0] == 100 and len(result) == N - 100
    assert_moved(counted, 3)


def test_a_small_part_or_a_gappy_one_is_copied(queue, counted):
    queue.put(fresh()[: N // 4])
    queue.put(fresh()[::2])
    assert len(queue.get()) == N // 4
    assert queue.get()[1] == 2
    assert_moved(counted, 0, 2)


def test_read_only_is_kept_by_a_move(queue, counted):
    def frozen():
        array = fresh()
        array.flags.writeable = False
        return array

    queue.put(frozen())
    assert not queue.get().flags.writeable
    assert_moved(counted, 1)


def test_a_received_array_given_up_moves_on(queue, counted):
    queue.put(fresh())
    other = _engine.Queue()
    for _ in range(10):
        other.put(queue.get())
        queue.put(other.get())
    check(queue.get())
    assert_moved(counted, 21)
    other._close()


def test_through_a_connection(pipe, counted):
    left, right = pipe
    left.send(fresh())
    check(right.recv())
    assert_moved(counted, 1)


def test_by_keyword_and_through_a_subclass(counted):
    class Own(_engine.Queue):
        pass

    own = Own()
    own.put(obj=fresh())
    own.put(fresh(), timeout=5)
    own.put_nowait(fresh())
    put = own.put
    put(fresh())
    for _ in range(4):
        check(own.get())
    assert_moved(counted, 4)
    own._close()


def test_from_a_worker(queue, fork):
    def child():
        before = _engine.trace()["buffers_moved"]
        queue.put(fresh())
        queue.put(_engine.trace()["buffers_moved"] - before)

    fork(child).join()
    check(queue.get())
    assert queue.get() == int(MOVES)


# -- what only looks like a temporary --------------------


def kept_and_sent(queue, counted, array, send):
    """Sends an array that somebody still has, and looks at both afterwards."""
    send()
    assert_moved(counted, 0, 1)
    check(queue.get())
    assert array() is None or (array() == np.arange(N)).all()


def test_a_name_is_copied(queue, counted):
    array = fresh()
    kept_and_sent(queue, counted, lambda: array, lambda: queue.put(array))


def test_arguments_in_a_tuple_that_lives_on_are_copied(queue, counted):
    arguments = (fresh(),)
    kept_and_sent(queue, counted, lambda: arguments[0], lambda: queue.put(*arguments))


def test_arguments_in_a_dict_are_copied(queue, counted):
    arguments = {"obj": fresh()}
    kept_and_sent(queue, counted, lambda: arguments["obj"], lambda: queue.put(**arguments))


def test_a_partial_may_be_called_again(queue, counted):
    send = functools.partial(queue.put, fresh())
    kept_and_sent(queue, counted, lambda: send.args[0], send)


def test_a_partial_with_more_arguments(queue, counted):
    send = functools.partial(queue.put, fresh())
    kept_and_sent(queue, counted, lambda: send.args[0], lambda: send(True, None))


def test_a_bound_method_of_an_array(queue, counted):
    send = types.MethodType(queue.put, fresh())
    kept_and_sent(queue, counted, lambda: send.__self__, lambda: send())
    send = types.MethodType(queue.put, fresh())
    queue.put(0)
    queue.get()
    send(True, None)
    assert (send.__self__ == np.arange(N)).all()
    check(queue.get())


def test_a_partial_inside_other_calls(queue, counted):
    send = functools.partial(queue.put, fresh())
    assert (queue, send(True), queue.put)[1] is None
    print(queue, queue.put, send(True, None), sep="")
    getattr(_engine, "no such name", send(True))
    assert_moved(counted, 0, 3)
    for _ in range(3):
        check(queue.get())


def test_a_call_by_the_class(queue, counted):
    send = functools.partial(_engine.Queue.put, queue)
    send(fresh())
    _engine.Queue.put(queue, fresh())
    assert_moved(counted, 2)
    check(queue.get())
    check(queue.get())


def test_a_call_from_c(queue, counted):
    arrays = [fresh()]
    kept_and_sent(queue, counted, lambda: arrays[0], lambda: list(map(queue.put, arrays)))


def test_a_container_somebody_has(queue, counted):
    arrays = [fresh()]
    queue.put((arrays,))
    assert_moved(counted, 0, 1)
    check(queue.get()[0][0])
    check(arrays[0])


def test_an_array_with_a_view_or_a_buffer_on_it(queue, counted):
    views = []

    def viewed(view):
        array = fresh()
        views.append(view(array))
        return array

    queue.put(viewed(lambda array: array[5:10]))
    queue.put(viewed(memoryview))
    assert_moved(counted, 0, 2)
    check(queue.get())
    check(queue.get())
    assert views[0].tolist() == [5, 6, 7, 8, 9]
    assert views[1][3] == 3.0


def test_an_array_with_a_weak_reference(queue, counted):
    references = []

    def referenced():
        array = fresh()
        references.append(weakref.ref(array))
        return array

    queue.put(referenced())
    assert_moved(counted, 0, 1)
    check(queue.get())


def test_a_received_array_with_another_view(queue, counted):
    queue.put(fresh())
    array = queue.get()
    part = array[:10]
    queue.put((array, None)[0])
    del array
    check(queue.get())
    assert_moved(counted, 1, 1)
    assert part.tolist() == list(range(10))


def test_a_buffer_with_an_export(queue, counted):
    queue.put(fresh())
    views = []

    def exported():
        array = queue.get()
        views.append(memoryview(array.base))
        return array

    queue.put(exported())
    assert_moved(counted, 1, 1)
    check(queue.get())
    assert views[0].nbytes == 8 * N


def test_one_array_twice_in_a_temporary(queue, counted):
    def twice():
        array = fresh()
        return [array, array]

    queue.put(twice())
    first, second = queue.get()
    assert first is second
    assert_moved(counted, 0, 1)


def test_a_subclass_or_a_slice_of_ordinary_memory(queue, counted):
    queue.put(fresh().view(np.matrix))
    queue.put(np.zeros(N))  # calloc: lazily zeroed by the system
    queue.put(np.ones(1000))
    assert counted("buffers_moved") == 0
    for _ in range(3):
        queue.get()


def test_an_array_from_before_a_fork_is_copied_after_it(queue, fork, counted):
    holder = [fresh()]

    def child():
        before = _engine.trace()["buffers_moved"]
        holder[0][1] = -1
        queue.put((1, holder.pop()))
        assert _engine.trace()["buffers_moved"] == before

    fork(child).join()
    result = queue.get()[1]
    assert result[1] == -1
    assert holder[0][1] == 1
    queue.put((1, holder.pop()))
    check(queue.get()[1])
    assert counted("buffers_moved") == 0


# -- when it fails --------------------


def test_a_temporary_that_could_not_be_put_is_released():
    queue = _engine.Queue(1)
    queue.put(1)
    before = _engine.memory()["in_use"]
    with pytest.raises(stock_queue.Full):
        queue.put(fresh(), timeout=0.01)
    with pytest.raises(stock_queue.Full):
        queue.put(fresh(), False)
    assert _engine.memory()["in_use"] == before
    queue._close()


def test_a_temporary_beside_what_cannot_be_pickled(queue):
    with pytest.raises(Exception, match="lambda|pickle"):
        queue.put((fresh(), lambda: 1))
    assert queue.empty()


def test_a_temporary_beside_what_must_be_pickled(queue, counted):
    queue.put((fresh(), {1, 2}))
    array, _ = queue.get()
    check(array)
    assert counted("buffers_moved") == 0


def test_nobody_finds_what_was_given_away(queue):
    def given_away():
        container = [fresh()]
        return container

    queue.put(given_away())
    stray = [o for o in gc.get_objects() if isinstance(o, np.ndarray) and o.nbytes == 8 * N]
    assert not stray
    check(queue.get()[0])


# -- the allocator --------------------


def test_arrays_grow_and_shrink():
    array = np.arange(N)
    for size in (2 * N, 10, 50 * N, N):
        array.resize(size, refcheck=False)
        assert array[:10].tolist() == list(range(10))
    assert len(array) == N


def test_many_arrays_of_all_sizes_come_and_go():
    arrays = []
    for i in range(2000):
        arrays.append(np.full(1 + (i * 7919) % 80_000, i))
        if len(arrays) > 20:
            oldest = arrays.pop((i * 31) % 20)
            assert (oldest == oldest[0]).all()
    for array in arrays:
        assert (array == array[0]).all()


def test_a_thread_has_ordinary_arrays(queue, counted):
    def work():
        queue.put(fresh())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    check(queue.get())
    assert_moved(counted, 0, 1)


def test_tracemalloc_forgets_what_was_given_away(queue):
    tracemalloc.start()
    try:
        for _ in range(20):
            queue.put(fresh())
            queue.get()
        in_use, _ = tracemalloc.get_traced_memory()
        assert in_use < 8 * N
    finally:
        tracemalloc.stop()
