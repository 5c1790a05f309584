"""Pools without a pool: the parent's end, the workers' ends, and what a dead worker had."""

import gc
import os
import pickle
import queue as stock_queue
import signal
import threading
import time
import weakref

import numpy as np
import pytest

from onecopy import _engine

from .conftest import wait_until
from .tasks import sleeps

FOREVER = 30  # seconds; no test waits that long
N = 100_000  # elements of 8 bytes: large enough for a block of its own


def work(crew, seat):
    """What a worker does: calls functions until the pool closes."""
    name = crew._name()
    return lambda: serve(_engine.PoolWorker(name, seat))


def serve(worker, most=None, function=None):
    """Tasks are what put() below makes; `function` stands for that of each task."""

    def fail(number, exception):
        worker.answer(number, False, exception)

    def unsent(number, exception, result):
        worker.answer(number, False, exception)

    return worker.serve(lambda given: function or given, fail, unsent, most)


def get(crew, block=True, timeout=FOREVER):
    """The number of the next answer, whether it succeeded, and its value."""
    got = []
    if crew.get(got, 1, block, timeout) == 0:
        raise stock_queue.Empty
    return got[0][:3]


@pytest.fixture
def crew(request):
    crew = _engine.Crew(3)
    yield crew
    assert crew._validate() == ""
    request.node.funcargs.pop("crew")  # so that it is gone when the next fixture looks for leaks


def here(crew, seat=0):
    """A worker in this process."""
    return _engine.PoolWorker(crew._name(), seat)


def put(crew, function, *args, **kwds):
    return crew.put((function, _engine.CALL, args, kwds))


def answers(crew):
    got = {}
    while crew.ready():
        number, success, value = get(crew)
        assert number not in got
        got[number] = success, value
    return got


def settle(crew, waiting_for, dead, living=()):
    """As the class says: the tasks without an answer that were lost, and the answers."""
    lost = {number for number in waiting_for if crew.is_taken(number)}
    lost -= {crew.at(seat) for seat in living}
    got = answers(crew)
    lost -= set(got)
    assert lost <= {crew.at(dead)}
    return lost, got


# -- tasks and answers --------------------


def test_a_task_is_answered(crew, fork):
    child = fork(work(crew, 0))
    assert put(crew, divmod, 7, 3) == 0
    assert get(crew) == (0, True, (2, 1))
    assert put(crew, dict, a=1) == 1
    assert get(crew) == (1, True, {"a": 1})
    crew.close()
    assert child.join() == 0


def test_many_tasks_and_workers(crew, fork):
    children = [fork(work(crew, seat)) for seat in range(3)]
    numbers = [put(crew, abs, -i) for i in range(300)]
    assert numbers == list(range(300))
    got = dict(get(crew)[::2] for _ in numbers)
    assert got == {i: i for i in range(300)}
    crew.close()
    assert [child.join() for child in children] == [0, 0, 0]


def test_values_of_all_kinds(crew, fork):
    fork(work(crew, 0))
    for value in (None, 1.5, "text", [1, [2]], {1, 2}, np.arange(N), ValueError("x")):
        put(crew, pickle.loads, pickle.dumps(value))
        _, success, received = get(crew)
        assert success and repr(received) == repr(value)
    crew.close()


def test_a_failure(crew, fork):
    fork(work(crew, 0))
    put(crew, int, "no number")
    number, success, error = get(crew)
    assert (number, success, type(error)) == (0, False, ValueError)
    crew.close()


def test_get_without_an_answer(crew):
    assert not crew.ready()
    got = []
    for arguments in ((False,), (True, 0), (True, 0.01), (False, None)):
        assert crew.get(got, 5, *arguments) == 0
    assert crew.get(answers=got, most=5, block=True, timeout=0.01) == 0
    assert got == []


def test_many_answers_at_once(crew):
    tasks = [(abs, _engine.CALL, (-i,), {}) for i in range(5)]
    assert crew.put_all(tasks) == ([0, 1, 2, 3, 4], None)
    assert tasks == [None] * 5
    serve(here(crew), 5)
    got = []
    assert crew.get(got, 3) == 3
    assert crew.get(got, 3) == 2
    assert crew.get(got, 0) == 0
    assert [answer[:3] for answer in got] == [(i, True, i) for i in range(5)]
    assert all(nanoseconds >= 0 for *_, nanoseconds in got)


def test_many_tasks_up_to_one_that_cannot_be_sent(crew):
    tasks = [1, lambda: None, 3]
    numbers, exception = crew.put_all(tasks)
    assert numbers == [0] and isinstance(exception, (AttributeError, pickle.PicklingError))
    assert tasks == [None, None, 3]
    assert crew.waiting() == 1 and crew.discard() == 1


def test_what_nobody_else_has_moves_with_the_task(crew):
    assert _engine.install_allocator()
    kept = fresh()
    before = _engine.trace()
    crew.put_all([(kept, 1), (fresh(), 2)])
    after = _engine.trace()
    assert [after[key] - before[key] for key in ("buffers_moved", "buffers_copied")] == [1, 1]
    crew.discard()


def test_threads_share_the_answers(crew, fork):
    got = []
    threads = [threading.Thread(target=lambda: got.append(get(crew))) for _ in range(4)]
    for thread in threads:
        thread.start()
    fork(work(crew, 0))
    for i in range(4):
        put(crew, abs, -i)
    for thread in threads:
        thread.join()
    assert sorted(got) == [(i, True, i) for i in range(4)]
    crew.close()


def test_a_task_that_cannot_be_pickled_raises_where_it_is_put(crew):
    with pytest.raises((AttributeError, pickle.PicklingError, TypeError)):
        crew.put(lambda: None)
    assert crew.waiting() == 0
    assert crew.put(1) == 0, "no number is used up"
    assert crew.discard() == 1


def test_waiting_tasks_are_counted_and_discarded(crew):
    for i in range(3):
        crew.put([i, bytes(1_000_000)])
    worker = here(crew)
    assert worker.take()[0] == 0
    assert crew.waiting() == 2
    assert [crew.is_taken(i) for i in range(3)] == [True, False, False]
    assert crew.discard() == 2
    assert crew.waiting() == 0
    worker.answer(0, True, None)


# -- what cannot be read, or sent --------------------


class Unreadable:
    def __init__(self, error=ValueError):
        self.error = error

    def __reduce__(self):
        return fail, (self.error,)


def fail(error):
    raise error("cannot be read")


@pytest.mark.parametrize("error", [ValueError, EOFError, KeyboardInterrupt])
def test_a_task_that_cannot_be_read_can_be_answered(crew, error):
    crew.put(Unreadable(error))
    worker = here(crew)
    with pytest.raises(error, match="cannot be read"):
        worker.take()
    assert worker.number == 0 == crew.at(0)
    worker.answer(0, False, "unreadable")
    assert worker.number is None and crew.at(0) is None
    assert get(crew) == (0, False, "unreadable")


@pytest.mark.parametrize("error", [ValueError, SystemExit])
def test_an_answer_that_cannot_be_read_is_a_failure(crew, error):
    put(crew, Unreadable, error)
    assert serve(here(crew), 1) == 1
    number, success, value = get(crew)
    assert (number, success, type(value), str(value)) == (0, False, error, "cannot be read")
    assert value.__traceback__ is not None


def test_an_interruption_while_an_answer_is_read_is_raised_and_the_failure_kept(crew):
    put(crew, Unreadable, KeyboardInterrupt)
    assert serve(here(crew), 1) == 1
    got = []
    with pytest.raises(KeyboardInterrupt):
        crew.get(got, 1)
    ((number, success, value, _),) = got
    assert (number, success, type(value)) == (0, False, KeyboardInterrupt)


# -- results that move --------------------


def fresh():
    return np.arange(N, dtype=np.float64)


def move_results(crew, make):
    """What a worker with an allocator of its own made of `make()`, as it arrives; how many arrays
    were moved and copied; the addresses of what it made."""
    name = crew._name()
    for _ in range(2):
        put(crew, None)

    def child():
        assert _engine.install_allocator()
        worker = _engine.PoolWorker(name, 0)
        addresses = []

        def function():
            result = make()
            arrays = [result] if isinstance(result, np.ndarray) else result
            addresses.extend(array.__array_interface__["data"][0] for array in arrays)
            del arrays
            return result

        before = _engine.trace()
        serve(worker, 1, function)
        after = _engine.trace()
        worker.take()
        counts = [after[key] - before[key] for key in ("buffers_moved", "buffers_copied")]
        worker.answer(1, True, (counts, addresses))

    return child


def received(crew):
    _, success, value = get(crew)
    assert success
    return value


def address(array):
    return array.__array_interface__["data"][0]


def test_a_result_moves(crew, fork):
    fork(move_results(crew, fresh))
    array = received(crew)
    assert (array == np.arange(N)).all() and array.flags.writeable
    assert received(crew) == ([1, 0], [address(array)])


def test_what_is_in_a_result_moves(crew, fork):
    fork(move_results(crew, lambda: [fresh(), fresh() + 1]))
    arrays = received(crew)
    assert received(crew) == ([2, 0], [address(array) for array in arrays])


KEPT = []


def kept():
    KEPT.append(fresh())
    return KEPT[0]


def test_a_result_that_the_worker_keeps_is_copied(crew, fork):
    fork(move_results(crew, kept))
    assert (received(crew) == np.arange(N)).all()
    assert received(crew)[0] == [0, 1]


def test_an_argument_that_is_the_result_is_copied(crew):
    array = fresh()
    put(crew, None)
    serve(here(crew), 1, lambda: np.asarray(array))
    array[:] = 0
    assert (received(crew) == np.arange(N)).all()


# -- deaths --------------------


def test_a_task_is_lost_with_its_worker(crew, fork):
    child = fork(work(crew, 1))
    numbers = [put(crew, abs, -5), put(crew, time.sleep, FOREVER), put(crew, abs, -6)]
    assert get(crew) == (0, True, 5)
    wait_until(lambda: crew.at(1) == 1)
    child.kill()
    child.join()
    assert settle(crew, numbers[1:], 1, living=(0, 2)) == ({1}, {})
    crew.clear_seat(1)
    assert crew.at(1) is None
    fork(work(crew, 1))
    assert get(crew) == (2, True, 6)
    crew.close()


def test_nothing_is_lost_with_a_worker_that_waits(crew, fork):
    child = fork(work(crew, 0))
    put(crew, abs, -1)
    assert get(crew) == (0, True, 1)
    wait_until(lambda: sleeps(child.pid))
    child.kill()
    child.join()
    assert crew.at(0) is None
    number = put(crew, abs, -2)
    assert settle(crew, [number], 0) == (set(), {})
    crew.clear_seat(0)
    fork(work(crew, 0))
    assert get(crew) == (number, True, 2)
    crew.close()


def test_an_answer_outlives_its_worker(crew, fork):
    name = crew._name()
    numbers = [crew.put(i) for i in range(2)]

    def child():
        worker = _engine.PoolWorker(name, 2)
        worker.take()
        worker.answer(0, True, fresh())
        worker.take()
        os.kill(os.getpid(), signal.SIGKILL)

    dying = fork(child)
    dying.was_killed = True
    dying.join()
    lost, got = settle(crew, numbers, 2, living=(0, 1))
    assert lost == {1}
    assert got[0][0] and (got[0][1] == np.arange(N)).all()


def test_what_a_living_worker_has_is_not_lost(crew, fork):
    name = crew._name()
    living = here(crew, 0)
    numbers = [crew.put(i) for i in range(2)]
    living.take()

    def child():
        _engine.PoolWorker(name, 1).take()
        os.kill(os.getpid(), signal.SIGKILL)

    dying = fork(child)
    dying.was_killed = True
    dying.join()
    assert settle(crew, numbers, 1, living=(0,)) == ({1}, {})
    living.answer(0, True, "well")
    assert get(crew) == (0, True, "well")


def test_random_deaths(crew, fork):
    open_tasks = set()
    answered = lost = 0
    running = {seat: fork(work(crew, seat)) for seat in range(3)}
    for turn in range(20):
        open_tasks |= {put(crew, abs, -i) for i in range(20)}
        time.sleep(0.0001 * (turn * 7 % 10))
        seat = turn % 3
        running[seat].kill()
        running[seat].join()
        gone, got = settle(crew, open_tasks, seat, living=[s for s in range(3) if s != seat])
        assert gone | set(got) <= open_tasks
        open_tasks -= gone | set(got)
        lost += len(gone)
        answered += len(got)
        crew.clear_seat(seat)
        running[seat] = fork(work(crew, seat))
    while open_tasks:
        number, _, _ = get(crew)
        open_tasks.remove(number)
        answered += 1
    crew.close()
    assert [child.join() for child in running.values()] == [0, 0, 0]
    assert answered + lost == 400 and lost <= 20 and crew.waiting() == 0


# -- closing --------------------


def test_workers_leave_after_the_last_task(crew, fork):
    for i in range(20):
        put(crew, abs, -i)
    crew.close()
    crew.close()
    assert [fork(work(crew, seat)).join() for seat in range(3)] == [0, 0, 0]
    assert len(answers(crew)) == 20


def test_closing_wakes_those_that_wait(crew, fork):
    children = [fork(work(crew, seat)) for seat in range(3)]
    wait_until(lambda: all(sleeps(child.pid) for child in children))
    crew.close()
    assert [child.join() for child in children] == [0, 0, 0]


def test_a_closed_pool_takes_no_task(crew):
    crew.close()
    with pytest.raises(ValueError, match="^Pool not running$"):
        crew.put(1)
    worker = here(crew)
    with pytest.raises(EOFError):
        worker.take()
    assert worker.number is None


def test_an_interrupt_ends_the_waiting(crew, fork):
    name = crew._name()

    def child():
        worker = _engine.PoolWorker(name, 0)
        with pytest.raises(KeyboardInterrupt):
            worker.take()
        assert worker.take() == (0, "after")
        worker.answer(0, True, None)

    interrupted = fork(child)
    wait_until(lambda: sleeps(interrupted.pid))
    os.kill(interrupted.pid, signal.SIGINT)
    wait_until(lambda: sleeps(interrupted.pid))
    crew.put("after")
    assert interrupted.join() == 0
    assert get(crew) == (0, True, None)


# -- ends of a pool --------------------


def test_a_worker_answers_before_it_takes_the_next(crew):
    worker = here(crew)
    crew.put(1)
    crew.put(2)
    with pytest.raises(ValueError, match="task 0 is not the one"):
        worker.answer(0, True, None)
    worker.take()
    assert worker.number == 0
    with pytest.raises(ValueError, match="task 0 has no answer"):
        worker.take()
    with pytest.raises(ValueError, match="task 0 has no answer"):
        serve(worker)
    with pytest.raises(ValueError, match="task 1 is not the one"):
        worker.answer(1, True, None)
    worker.answer(0, True, 5)
    assert worker.take() == (1, 2)
    worker.answer(1, False, None)
    assert answers(crew) == {0: (True, 5), 1: (False, None)}


def test_figures(crew):
    assert crew.figures(0) == (0,) * 6
    before = time.monotonic_ns()
    worker = here(crew)
    put(crew, None, bytes(3_000_000))
    serve(worker, 1, lambda _: time.sleep(0.02))
    got = []
    crew.get(got, 1)
    assert got[0][3] >= 20_000_000
    taken, started, waiting, receiving, computing, sending = crew.figures(0)
    assert taken == 1 and before <= started <= time.monotonic_ns()
    assert computing >= 20_000_000
    assert min(waiting, receiving, sending) > 0
    del worker
    crew.clear_seat(0)
    assert crew.figures(0) == (0,) * 6


def test_ends_are_of_no_use_in_a_copy_of_their_process(crew, fork):
    worker = here(crew)
    crew.put(1)
    worker.take()

    def child():
        for call in (
            lambda: crew.put(2),
            lambda: crew.get([], 1),
            crew.close,
            crew._name,
            worker.take,
            lambda: serve(worker),
            lambda: worker.answer(0, True, None),
        ):
            with pytest.raises(OSError, match="another process's"):
                call()

    assert fork(child).join() == 0
    worker.answer(0, True, "mine")
    assert answers(crew) == {0: (True, "mine")}


def test_ends_that_were_never_made():
    for cls in (_engine.Crew, _engine.PoolWorker):
        made = cls.__new__(cls)
        with pytest.raises(ValueError, match="never made"):
            made.take() if cls is _engine.PoolWorker else made.put(1)


def test_a_pool_is_held_for_a_worker_that_is_to_come():
    crew = _engine.Crew(1)
    place = _engine.reserve_place()
    crew._hold_for(place[0])
    name = crew._name()
    del crew
    _engine.PoolWorker(name, 0)
    _engine.release_place(*place)
    with pytest.raises(OSError):
        _engine.PoolWorker(name, 0)


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (TypeError, lambda crew: crew.put()),
        (TypeError, lambda crew: crew.put(1, 2)),
        (TypeError, lambda crew: crew.put(task=1)),
        (TypeError, lambda crew: crew.put_all((1, 2))),
        (TypeError, lambda crew: crew.get()),
        (TypeError, lambda crew: crew.get([])),
        (TypeError, lambda crew: crew.get((), 1)),
        (TypeError, lambda crew: crew.get([], 1, True, 3, 4)),
        (TypeError, lambda crew: crew.get([], 1, True, "soon")),
        (OverflowError, lambda crew: crew.get([], -1)),
        (TypeError, lambda crew: crew.at("first")),
        (IndexError, lambda crew: crew.at(3)),
        (IndexError, lambda crew: crew.figures(3)),
        (IndexError, lambda crew: crew.clear_seat(3)),
        (OverflowError, lambda crew: crew.at(-1)),
        (OverflowError, lambda crew: crew.is_taken(2**32)),
        (TypeError, lambda crew: _engine.Crew()),
        (ValueError, lambda crew: _engine.Crew(0)),
        (ValueError, lambda crew: _engine.Crew(100_000)),
        (OverflowError, lambda crew: _engine.Crew(-1)),
        (ValueError, lambda crew: here(crew, 3)),
        (TypeError, lambda crew: _engine.PoolWorker((1, 2), 0)),
        (TypeError, lambda crew: here(crew).serve(1, 2, 3)),
        (TypeError, lambda crew: here(crew).serve(1, 2, 3, "all")),
        (TypeError, lambda crew: here(crew).answer(0, True)),
    ],
)
def test_wrong_arguments(crew, error, call):
    with pytest.raises(error):
        call(crew)
    assert crew.waiting() == 0


def test_a_subclass_in_a_cycle_is_collected():
    class Own(_engine.Crew):
        def __init__(self, seats):
            super().__init__(seats)
            self.cycle = self

    crew = Own(1)
    crew.put(bytes(1_000_000))
    gone = weakref.ref(crew)
    del crew
    gc.collect()
    assert gone() is None


def test_what_is_never_answered_leaves_nothing(crew):
    before = _engine.memory()["blocks_in_use"]
    own = _engine.Crew(1)
    own.put(bytes(1_000_000))
    own.put(bytes(1_000_000))
    worker = here(own)
    worker.take()
    worker.answer(0, True, bytes(1_000_000))
    worker.take()
    del own, worker
    assert _engine.memory()["blocks_in_use"] == before
