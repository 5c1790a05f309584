"""Queues: bounds, time-outs, closing, handles; with threads and across processes."""

import os
import queue as stock_queue
import select
import threading
import time
from multiprocessing import queues as stock_queues

import pytest

from onecopy import _engine

from .conftest import wait_until
from .tasks import sleeps

FOREVER = 30  # seconds; no test waits that long


def test_put_and_get_take_stocks_arguments(queue):
    queue.put("a", True, 5)
    queue.put(obj="b", block=False, timeout=None)
    queue.put_nowait("c")
    queue.put_nowait(obj="d")
    assert queue.get(True, 5) == "a"
    assert queue.get(block=True, timeout=None) == "b"
    assert queue.get_nowait() == "c"
    assert queue.get(False) == "d"


@pytest.mark.parametrize(
    "call",
    [
        lambda q: q.put(),
        lambda q: q.put(1, 2, 3, 4),
        lambda q: q.put(1, obj=2),
        lambda q: q.put(1, nonsense=2),
        lambda q: q.put(1, True, "soon"),
        lambda q: q.get(True, []),
        lambda q: q.get(1, 2, 3),
        lambda q: q.put_nowait(),
        lambda q: q._poll("soon"),
        lambda q: q._hold_for("me"),
        lambda q: _engine.Queue("many"),
    ],
)
def test_wrong_arguments(queue, call):
    with pytest.raises(TypeError):
        call(queue)
    assert queue.empty()


def test_a_timeout_that_is_no_number(queue):
    with pytest.raises(ValueError):
        queue.get(True, float("nan"))


@pytest.mark.parametrize("timeout", [0, 0.0, -1, -1e9, 0.02, 1e-9])
def test_get_from_an_empty_queue(queue, timeout):
    start = time.monotonic()
    with pytest.raises(stock_queue.Empty):
        queue.get(True, timeout)
    assert time.monotonic() - start >= timeout
    with pytest.raises(stock_queue.Empty):
        queue.get(False, FOREVER)
    with pytest.raises(stock_queue.Empty):
        queue.get_nowait()


@pytest.mark.parametrize("timeout", [0, -1, 0.02])
def test_put_into_a_full_queue(timeout):
    queue = _engine.Queue(2)
    assert not queue.full() and queue._maxsize == 2
    queue.put(1)
    queue.put(2)
    assert queue.full() and queue.qsize() == 2
    start = time.monotonic()
    with pytest.raises(stock_queue.Full):
        queue.put(3, True, timeout)
    assert time.monotonic() - start >= timeout
    with pytest.raises(stock_queue.Full):
        queue.put(3, False, FOREVER)
    with pytest.raises(stock_queue.Full):
        queue.put_nowait(3)
    assert [queue.get(), queue.get()] == [1, 2]
    queue._close()


def test_what_does_not_fit_is_not_pickled():
    class NeverPickled:
        def __reduce__(self):
            raise AssertionError

    queue = _engine.Queue(1)
    queue.put(1)
    with pytest.raises(stock_queue.Full):
        queue.put(NeverPickled(), False)
    queue._close()


@pytest.mark.parametrize("maxsize", [0, -1])
def test_no_bound(maxsize):
    queue = _engine.Queue(maxsize)
    assert queue._maxsize == 2**31 - 1
    for i in range(10_000):
        queue.put(i)
    assert queue.qsize() == 10_000 and not queue.full()
    assert [queue.get() for _ in range(10_000)] == list(range(10_000))
    queue._close()


@pytest.mark.parametrize("size", [100, 5000, 300_000])
def test_a_bound_of_one_message_of_any_size(size, fork):
    queue = _engine.Queue(1)

    def child():
        for i in range(20):
            queue.put(bytes([i]) * size)

    child = fork(child)
    for i in range(20):
        assert queue.get() == bytes([i]) * size
    child.join()
    queue._close()


def test_messages_without_a_getter_are_freed_with_the_queue():
    before = _engine.memory()["in_use"]
    queue = _engine.Queue()
    for _ in range(100):
        queue.put([b"x" * 10_000, "y" * 3])
    assert _engine.memory()["in_use"] > before + 1_000_000
    queue._close()
    assert _engine.memory()["in_use"] == before


# -- between processes and threads --------------------


def test_many_processes_put_and_get(queue, fork):
    answers = _engine.Queue()

    def produce(name):
        for i in range(300):
            queue.put((name, i))

    def consume():
        seen = []
        while (message := queue.get()) is not None:
            seen.append(message)
        answers.put(seen)

    producers = [fork(lambda name=name: produce(name)) for name in range(3)]
    consumers = [fork(consume) for _ in range(3)]
    for producer in producers:
        producer.join()
    for _ in consumers:
        queue.put(None)
    received = [answers.get() for _ in consumers]
    assert sorted(sum(received, [])) == [(name, i) for name in range(3) for i in range(300)]
    for seen in received:
        for name in range(3):
            mine = [i for producer, i in seen if producer == name]
            assert mine == sorted(mine)
    answers._close()


def test_a_blocked_get_is_woken(queue, fork):
    fork(lambda: queue.put("good morning"))
    assert queue.get(timeout=FOREVER) == "good morning"


def test_a_blocked_put_is_woken(fork):
    queue = _engine.Queue(1)
    queue.put(1)
    child = fork(lambda: queue.put(2))
    assert queue.get() == 1
    assert queue.get() == 2
    child.join()
    queue._close()


def test_threads_run_while_others_wait(queue):
    got = []
    threads = [threading.Thread(target=lambda: got.append(queue.get())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for i in range(8):
        queue.put(i)
    for thread in threads:
        thread.join()
    assert sorted(got) == list(range(8))


def test_a_child_of_a_child(queue, fork):
    def child():
        pid = os.fork()
        if pid == 0:
            queue.put(list(range(10_000)))
            os._exit(0)
        os.waitpid(pid, 0)

    fork(child).join()
    assert queue.get() == list(range(10_000))


def test_a_dead_getter_takes_nothing_with_it(queue, fork):
    child = fork(lambda: queue.get())
    wait_until(lambda: sleeps(child.pid))
    child.kill()
    child.join()
    queue.put("still here")
    assert queue.get(timeout=FOREVER) == "still here"


# -- closing --------------------


def test_a_closed_queue():
    queue = _engine.Queue()
    queue._close()
    queue._close()
    for call in (lambda: queue.put(1), queue.get, queue.get_nowait, lambda: queue.put_nowait(1)):
        with pytest.raises(ValueError, match=f"^Queue {queue!r} is closed$"):
            call()
    for call in (queue.empty, queue._poll):
        with pytest.raises(OSError, match="^handle is closed$"):
            call()


@pytest.mark.parametrize("call", ["get", "put", "_poll", "_join"])
def test_closing_ends_the_calls_of_other_threads(call):
    queue = _engine.Queue(1)
    if call in ("put", "_join"):
        queue.put(1)
    arguments = {"put": (2,), "_poll": (None,)}.get(call, ())
    ended = []

    def wait():
        try:
            ended.append(getattr(queue, call)(*arguments))
        except ValueError as error:
            ended.append(str(error))

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: all(sleeps(thread.native_id) for thread in threads))
    queue._close()
    for thread in threads:
        thread.join()
    assert ended == [f"Queue {queue!r} is closed"] * 4


def test_a_queue_that_was_never_opened():
    queue = _engine.Queue.__new__(_engine.Queue)
    with pytest.raises(ValueError, match="closed"):
        queue.put(1)


# -- handles --------------------


def test_two_handles_on_one_queue(queue):
    index, generation = queue._name()
    other = _engine.Queue.__new__(_engine.Queue)
    other._open(index, generation, os.dup(queue._bell()))
    other.put("to the first")
    assert queue.get() == "to the first"
    queue.put("to the second")
    assert select.select([other._bell()], [], [], 0)[0]
    assert other.get() == "to the second"
    other._close()
    queue.put("alone")
    assert queue.get() == "alone"


def test_a_queue_that_is_gone_cannot_be_opened():
    queue = _engine.Queue()
    index, generation = queue._name()
    queue._close()
    with pytest.raises(OSError):
        queue._open(index, generation, os.open("/dev/null", os.O_RDONLY))


def test_a_subclass_of_both():
    class Both(_engine.Queue, stock_queues.Queue):
        def __init__(self, maxsize=0, *, ctx):
            _engine.Queue.__init__(self, maxsize)
            self.ctx = ctx

    queue = Both(3, ctx="any")
    assert isinstance(queue, stock_queues.Queue) and queue.ctx == "any"
    queue.put(1)
    assert queue.get() == 1
    index, generation = queue._name()
    other = Both.__new__(Both)
    other._open(index, generation, os.dup(queue._bell()))
    other.put(2)
    assert queue.get() == 2
    queue._close()
    other._close()


# -- polling, the bell, work done --------------------


def test_polling(queue, fork):
    assert queue._poll() is False and queue._poll(0.01) is False and queue.empty()
    child = fork(lambda: queue.put(1))
    assert queue._poll(None) is True
    assert queue._poll(0) is True and not queue.empty() and queue.qsize() == 1
    child.join()
    assert queue.get() == 1


def test_the_bell_is_readable_exactly_while_a_message_waits(queue):
    def rings():
        return bool(select.select([bell], [], [], 0)[0])

    queue.put(0)
    bell = queue._bell()
    for _ in range(3):
        assert rings()
        queue.put(1)
        queue.get()
        assert rings()
        queue.get()
        assert not rings()
        queue.put(0)
    queue.get()
    assert not rings()


def test_the_bell_across_processes(queue, fork):
    bell = queue._bell()
    fork(lambda: queue.put("ring"))
    assert select.select([bell], [], [], FOREVER)[0]
    assert queue.get_nowait() == "ring"
    assert not select.select([bell], [], [], 0)[0]


# It rings before the message is there, so that no death leaves a message without a ring. Once a get
# that did not wait found nothing then.
def test_what_the_bell_rings_for_is_there(queue, fork):
    bell = queue._bell()
    room = _engine.Queue(1)

    def put():
        for number in range(3000):
            room.put(None)
            queue.put(number)

    fork(put)
    for number in range(3000):
        assert select.select([bell], [], [], FOREVER)[0]
        assert queue.get_nowait() == number
        room.get()


def test_the_bell_for_room_across_processes(fork):
    def rings(seconds):
        return bool(select.select([bell], [], [], seconds)[0])

    queue = _engine.Queue(2)
    queue.put(1)
    bell = queue._room_bell()
    assert rings(0) and queue._has_room()
    child = fork(lambda: queue.put(2))
    child.join()
    assert not rings(0) and not queue._has_room()
    fork(queue.get)
    assert rings(FOREVER) and queue._has_room()
    queue.put(3)
    assert not rings(0) and not queue._has_room()


def test_a_queue_without_a_bound_has_no_bell_for_room(queue):
    assert queue._room_bell() == -1
    assert queue._has_room()
    assert len(queue._descriptors()) == 1
    assert len(_engine.Queue(1)._descriptors()) == 2


# -- envelopes ---------------------------------------


class Enclosing(_engine.Queue):
    def _deliver(self, envelope):
        return envelope


LARGE = bytes(1_000_000)


def test_an_envelope_is_put_once_and_when_there_is_room():
    queue = Enclosing(1)
    first, second = queue.put_async([LARGE, 1]), queue.put_async([LARGE, 2])
    queue._put_envelope(first)
    with pytest.raises(stock_queue.Full):
        queue._put_envelope(second)
    assert queue.get() == [LARGE, 1]
    queue._put_envelope(second)
    assert queue.get() == [LARGE, 2]
    with pytest.raises(OSError, match="put already"):
        queue._put_envelope(first)
    with pytest.raises(TypeError):
        queue._put_envelope(LARGE)
    with pytest.raises(TypeError):
        _engine.Envelope()


def test_what_is_in_an_envelope_is_freed_with_it():
    before = _engine.memory()["blocks_in_use"]
    queue = Enclosing(1)
    envelope = queue.put_async(LARGE)
    assert _engine.memory()["blocks_in_use"] > before
    del envelope, queue
    assert _engine.memory()["blocks_in_use"] == before


def test_an_envelope_is_its_makers(fork):
    queue = Enclosing(1)
    envelopes = [queue.put_async(LARGE)]

    def try_in_the_child():
        with pytest.raises(OSError, match="another process's"):
            queue._put_envelope(envelopes[0])
        envelopes.clear()

    assert fork(try_in_the_child).join() == 0
    queue._put_envelope(envelopes[0])
    assert queue.get() == LARGE


def test_a_subclass_that_delivers_nothing():
    with pytest.raises(AttributeError, match="_deliver"):
        _engine.Queue().put_async(1)


def test_work_is_reported_done(queue):
    queue._join()
    queue.put(1)
    queue.put(2)
    with pytest.raises(ValueError, match=r"^task_done\(\) called too many times$"):
        for _ in range(3):
            queue._task_done()
    queue._join()
    assert [queue.get(), queue.get()] == [1, 2]


def test_join_waits_for_all_work(queue, fork):
    for i in range(10):
        queue.put(i)
    done = []

    def child():
        for _ in range(10):
            queue.get()
            queue._task_done()

    joiner = threading.Thread(target=lambda: done.append(queue._join()))
    joiner.start()
    wait_until(lambda: sleeps(joiner.native_id))
    assert not done
    fork(child).join()
    joiner.join()
    assert done == [None]


def test_the_last_of_many_waiters_is_told(queue, fork):
    children = [fork(lambda: queue.get()) for _ in range(5)]
    for _ in children:
        queue.put("go")
    for child in children:
        assert child.join() == 0
    wait_until(queue.empty)
