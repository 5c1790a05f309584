"""The loop of a pool's worker: what it calls, and what it tells where that fails."""

import os
import pickle
import signal
import threading

import pytest

from onecopy import _engine

CALL, MAP, STARMAP = _engine.CALL, _engine.MAP, _engine.STARMAP


class Worker:
    """A worker in this process, and what it told its handlers."""

    def __init__(self):
        self.crew = _engine.Crew(1)
        self.engine = _engine.PoolWorker(self.crew._name(), 0)
        self.failed = []
        self.unsent = []

    def put(self, function, way=CALL, arguments=(), keywords=None):
        self.function = function
        self.crew.put(("packed", way, arguments, {} if keywords is None else keywords))

    def unpack(self, packed):
        assert packed == "packed"
        return self.function

    def fail(self, number, exception):
        assert not self.engine.at_work
        self.failed.append((number, exception))
        self.engine.answer(number, False, "failed")

    def keep_unsent(self, number, exception, result):
        self.unsent.append((number, exception, result))
        self.engine.answer(number, False, "unsent")

    def serve(self, most=1):
        return self.engine.serve(self.unpack, self.fail, self.keep_unsent, most)

    def answers(self):
        got = []
        self.crew.get(got, 100, False)
        return [answer[:3] for answer in got]


@pytest.fixture
def worker(request):
    yield Worker()
    request.node.funcargs.pop("worker")  # so that it is gone when the next fixture looks for leaks


@pytest.mark.parametrize(
    ("function", "way", "arguments", "keywords", "result"),
    [
        (divmod, CALL, (7, 3), {}, (2, 1)),
        (dict, CALL, (), {"a": 1}, {"a": 1}),
        (abs, MAP, (-1, 2, -3), None, [1, 2, 3]),
        (abs, MAP, (), None, []),
        (divmod, STARMAP, ((7, 3), [9, 2]), None, [(2, 1), (4, 1)]),
    ],
)
def test_the_ways_to_call(worker, function, way, arguments, keywords, result):
    worker.put(function, way, arguments, keywords)
    assert worker.serve() == 1
    assert worker.answers() == [(0, True, result)]


def test_so_many_tasks(worker):
    for i in range(5):
        worker.put(abs, MAP, (-i,))
    assert worker.serve(0) == 0
    assert worker.serve(2) == 2
    worker.crew.close()
    assert worker.serve(None) == 3
    assert worker.serve(None) == 0
    assert worker.answers() == [(i, True, [i]) for i in range(5)]


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_what_the_function_raises(worker, error):
    def raising(item):
        raise error("why")

    for way, arguments in ((CALL, (1,)), (MAP, (1, 2)), (STARMAP, ((1,),))):
        worker.put(raising, way, arguments)
        worker.serve()
    assert [number for number, _ in worker.failed] == [0, 1, 2]
    assert all(type(exception) is error for _, exception in worker.failed)
    assert all(exception.__traceback__ is not None for _, exception in worker.failed)
    assert worker.answers() == [(number, False, "failed") for number in range(3)]


def test_arguments_that_are_none(worker):
    worker.put(divmod, STARMAP, (1,))
    worker.serve()
    assert str(worker.failed[0][1]) == "'int' object is not iterable"


@pytest.mark.parametrize("task", [None, (), (1, 2, 3), ("packed", "map", (), None), (1, 0, [], {})])
def test_what_is_no_task(worker, task):
    worker.function = abs
    worker.crew.put(task)
    assert worker.serve() == 1
    assert isinstance(worker.failed[0][1], TypeError)
    assert worker.answers() == [(0, False, "failed")]


class Unreadable:
    def __init__(self, error):
        self.error = error

    def __reduce__(self):
        return _fail, (self.error,)


def _fail(error):
    raise error("cannot be read")


@pytest.mark.parametrize("error", [ValueError, EOFError, KeyboardInterrupt])
def test_a_task_that_cannot_be_read(worker, error):
    worker.put(abs, CALL, (Unreadable(error),))
    worker.serve()
    assert type(worker.failed[0][1]) is error
    assert worker.answers() == [(0, False, "failed")]


def test_a_result_that_cannot_be_sent(worker):
    result = [lambda: None]
    worker.put(lambda: result)
    worker.serve()
    number, exception, given = worker.unsent[0]
    assert number == 0 and given is result
    assert isinstance(exception, (AttributeError, pickle.PicklingError))
    assert worker.failed == [] and worker.answers() == [(0, False, "unsent")]


def test_a_handler_that_raises_ends_the_serving(worker):
    def fail(number, exception):
        raise LookupError("why")

    worker.put(abs, CALL, ("text",))
    with pytest.raises(LookupError, match="why"):
        worker.engine.serve(worker.unpack, fail, worker.keep_unsent, 1)
    assert worker.engine.number == 0


def test_a_function_that_answers_its_task_itself(worker):
    worker.put(lambda: worker.engine.answer(0, True, "itself"))
    assert worker.serve() == 1
    assert worker.answers() == [(0, True, "itself")]


def test_it_is_at_work_while_it_calls_and_sends(worker):
    worker.put(lambda: worker.engine.at_work)
    assert not worker.engine.at_work
    worker.serve()
    assert not worker.engine.at_work
    assert worker.answers() == [(0, True, True)]


def test_signal_handlers_run_between_tasks_of_builtin_functions(worker):
    heard = []
    before = signal.signal(signal.SIGUSR1, lambda *_: heard.append(worker.engine.at_work))
    try:
        worker.put(os.kill, CALL, (os.getpid(), signal.SIGUSR1))
        worker.serve()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert len(heard) == 1
    assert worker.answers() == [(0, True, None)]


def test_a_signal_that_came_while_it_waited_is_not_the_tasks(worker):
    """Where a task comes with it, the waiting ends as if there were no signal."""
    heard = []

    def heed(number, frame):
        heard.append(worker.engine.at_work)

    def interrupt_and_put():
        os.kill(os.getpid(), signal.SIGUSR1)
        worker.crew.put(("packed", CALL, (), {}))

    worker.function = list
    before = signal.signal(signal.SIGUSR1, heed)
    try:
        threading.Thread(target=interrupt_and_put).start()
        worker.serve()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert heard == [False]
    assert worker.answers() == [(0, True, [])]


def test_a_function_that_forks_and_returns_twice(worker):
    children = []

    def twice():
        pid = os.fork()
        if pid != 0:
            children.append(pid)
        return pid == 0

    worker.put(twice)
    try:
        worker.serve()
    except OSError:
        os._exit(0 if not children else 1)
    assert os.waitpid(children[0], 0)[1] == 0
    assert worker.answers() == [(0, True, False)]
