"""Queues inside one process, and what is Onecopy's own about them."""

import multiprocessing.queues
import pickle
import queue
import threading
import weakref

import pytest

import onecopy as mp

KINDS = {"Queue": mp.Queue, "JoinableQueue": mp.JoinableQueue, "SimpleQueue": mp.SimpleQueue}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def made(kind):
    return KINDS[kind]()


def test_is_an_instance_of_the_stock_class(made, kind):
    assert isinstance(made, getattr(multiprocessing.queues, kind))
    assert type(made).__name__ == kind


def test_a_joinable_queue_is_a_queue():
    assert isinstance(mp.JoinableQueue(), multiprocessing.queues.Queue)


def test_comes_out_in_the_order_it_went_in(made):
    for number in range(1000):
        made.put(number)

    assert [made.get() for _ in range(1000)] == list(range(1000))
    assert made.empty()


def test_what_cannot_be_pickled_raises_in_put(made):
    with pytest.raises((pickle.PicklingError, AttributeError)):
        made.put(lambda: 0)

    made.put("next")
    assert made.get() == "next"


def test_an_error_while_pickling_is_the_callers():
    class Stubborn:
        def __reduce__(self):
            raise LookupError("not me")

    q = mp.Queue(1)
    with pytest.raises(LookupError, match="not me"):
        q.put([1, Stubborn()])

    assert q.empty()
    q.put("there is room still", False)


def test_what_is_put_is_what_it_was_at_the_moment_of_the_put(made):
    value = [1, [2]]
    made.put(value)
    value[1].append(3)

    got = made.get()

    assert got == [1, [2]]
    assert got is not value


def test_pickling_may_put_into_a_queue():
    log = mp.Queue()

    class Loud:
        def __reduce__(self):
            log.put("pickled")
            return str, ("loud",)

    q = mp.Queue()
    q.put({"a": Loud(), "b": [Loud()]})

    assert q.get() == {"a": "loud", "b": ["loud"]}
    assert [log.get(), log.get()] == ["pickled", "pickled"]


def test_reducers_count_whenever_they_were_registered():
    class Registered:
        pass

    class Later:
        pass

    q = mp.Queue()
    mp.reduction.ForkingPickler.register(Registered, lambda it: (str, ("registered",)))
    q.put([Registered()])
    mp.reduction.ForkingPickler.register(Later, lambda it: (str, ("later",)))
    q.put([Later(), Registered()])

    assert [q.get(), q.get()] == [["registered"], ["later", "registered"]]


def test_a_reducer_set_on_the_context_is_asked(monkeypatch):
    class Pickler(mp.reduction.ForkingPickler):
        @classmethod
        def dumps(cls, obj, protocol=None):
            return pickle.dumps(("through the program's own", obj))

    class Reducer(mp.reduction.AbstractReducer):
        ForkingPickler = Pickler

    monkeypatch.setattr(multiprocessing.context, "reduction", multiprocessing.context.reduction)
    mp.get_context().reducer = Reducer()
    q = mp.Queue()
    q.put({1, 2})

    assert q.get() == ("through the program's own", {1, 2})


def test_a_getter_waits_for_a_put_of_another_thread(made):
    got = []
    getter = threading.Thread(target=lambda: got.append(made.get()))
    getter.start()
    made.put("there")
    getter.join()

    assert got == ["there"]


def test_a_putter_waits_for_room():
    q = mp.Queue(1)
    q.put(1)
    putter = threading.Thread(target=q.put, args=(2,))
    putter.start()

    assert [q.get(), q.get()] == [1, 2]
    putter.join()


def test_many_threads_lose_nothing(made):
    def put(start):
        for number in range(start, start + 500):
            made.put(number)

    putters = [threading.Thread(target=put, args=(start,)) for start in range(0, 2000, 500)]
    for putter in putters:
        putter.start()
    got = [made.get() for _ in range(2000)]
    for putter in putters:
        putter.join()

    assert sorted(got) == list(range(2000))
    for start in range(0, 2000, 500):
        of_one = [number for number in got if start <= number < start + 500]
        assert of_one == sorted(of_one)


def test_the_exceptions_are_those_of_the_module_queue():
    q = mp.Queue(1)
    with pytest.raises(queue.Empty):
        q.get_nowait()
    q.put(1)
    with pytest.raises(queue.Full):
        q.put_nowait(2)


@pytest.mark.parametrize("make", [mp.Queue, mp.JoinableQueue])
def test_a_closed_queue_says_that_it_is(make):
    q = make()
    q.put(1)
    q.close()
    for call in (lambda: q.put(1), lambda: q.put_nowait(1), q.get, q.get_nowait):
        with pytest.raises(ValueError, match=r"^Queue <.*> is closed$"):
            call()
    with pytest.raises(OSError, match="handle is closed"):
        q.empty()
    q.join_thread()


def test_closing_an_unused_queue_leaves_it_empty():
    q = mp.Queue()
    q.close()
    q.join_thread()

    assert q.empty()


def test_a_closed_simple_queue_says_that_it_is():
    q = mp.SimpleQueue()
    q.close()
    q.close()
    for call in (lambda: q.put(1), q.get, q.empty):
        with pytest.raises(OSError, match="handle is closed"):
            call()
    assert q._reader.closed and q._writer.closed


def test_closing_one_side_leaves_the_other(made):
    made.put(1)
    made._writer.close()
    with pytest.raises(OSError, match="handle is closed"):
        made.put(2)

    assert made.get() == 1
    made._reader.close()
    with pytest.raises(OSError, match="handle is closed"):
        made._reader.poll()


def test_the_ends_that_other_packages_reach_for(made):
    made._writer.send({"a": 1})
    made._writer.send_bytes(mp.reduction.ForkingPickler.dumps("b"))

    assert made._reader.poll()
    assert mp.connection.wait([made._reader], timeout=5) == [made._reader]
    assert made._reader.recv() == {"a": 1}
    assert mp.reduction.ForkingPickler.loads(made._reader.recv_bytes()) == "b"
    assert not made._reader.poll(0.01)
    assert mp.connection.wait([made._reader], timeout=0) == []


def test_what_was_seen_under_the_read_lock_is_not_lost(made):
    made.put(1)
    made.put(2)
    with made._rlock:
        assert made._reader.poll()
        assert made._reader.poll()

    assert made.get() == 1
    assert made.get() == 2


def test_a_subclass_may_override_and_call_up():
    class Doubling(mp.queues.Queue):
        def put(self, obj, block=True, timeout=None):
            super().put([obj, obj], block, timeout)

    q = Doubling(ctx=mp.get_context())
    q.put(1)

    assert q.get() == [1, 1]


def test_goes_away_with_its_last_reference(kind):
    q = KINDS[kind]()
    q.put(1)
    q._reader.poll()
    gone = weakref.ref(q)
    del q

    assert gone() is None


def test_a_queue_cannot_be_pickled_for_anybody(made, kind):
    text = f"{kind} objects should only be shared between processes through inheritance"
    with pytest.raises(RuntimeError, match=text):
        pickle.dumps(made)
