"""Names within a family: what may be published, and what is found."""

import os
import pickle
from multiprocessing import connection

import numpy as np
import pytest

import onecopy


@pytest.fixture(autouse=True)
def no_names_are_left(nothing_leaks):
    yield
    for name in onecopy.published():
        onecopy.withdraw(name)


def found_elsewhere(name, use):
    """What `use` makes of what a child finds, that cannot have inherited it by this name."""
    answers = onecopy.SimpleQueue()
    child = onecopy.get_context("fork").Process(target=lambda: answers.put(use(onecopy.find(name))))
    child.start()
    answer = answers.get()
    child.join()
    return answer


@pytest.mark.parametrize("kind", ["Queue", "SimpleQueue", "JoinableQueue"])
def test_queues_are_found_as_what_they_are(kind):
    queue = getattr(onecopy, kind)()
    onecopy.publish("queue", queue)

    found = onecopy.find("queue")

    assert type(found) is type(queue)
    found.put("hello")
    assert queue.get() == "hello"


def test_a_found_queue_has_the_bound_and_the_count_of_the_published_one():
    queue = onecopy.JoinableQueue(2)
    onecopy.publish("queue", queue)
    found = onecopy.find("queue")
    queue.put(1)
    queue.put(2)

    assert found.full()
    assert found._maxsize == 2
    assert found.get() + found.get() == 3
    found.task_done()
    queue.task_done()
    found.join()


def test_a_published_queue_lives_without_its_object():
    onecopy.publish("queue", onecopy.Queue())

    onecopy.find("queue").put(5)

    assert onecopy.find("queue").get() == 5


def test_shared_arrays_are_found_as_the_same_memory():
    table = onecopy.zeros((10, 20), dtype="int32", order="F")
    onecopy.publish("table", table[2:8:2, ::-1])

    found = onecopy.find("table")
    found[1, 0] = 7

    assert table[4, 19] == 7
    assert found.shape == (3, 20)
    assert found.dtype == np.dtype("int32")


def test_arrays_of_structures_and_read_only_ones_are_found_as_they_are():
    table = onecopy.zeros(10, dtype=[("a", "i4"), ("b", "f8")])
    table["b"] = 2.5
    table.flags.writeable = False
    onecopy.publish("table", table)

    found = onecopy.find("table")

    assert found["b"].sum() == 25
    assert not found.flags.writeable


def test_an_end_of_a_pipe_is_found_and_is_one_like_any_other():
    here, there = onecopy.Pipe()
    onecopy.publish("line", there)
    there.close()

    with onecopy.find("line") as found:
        here.send("question")
        assert connection.wait([found], 60) == [found]
        assert found.recv() == "question"
        found.send("answer")
        assert type(found) is type(here)
    assert here.recv() == "answer"
    assert found_elsewhere("line", lambda end: end.send("more")) is None
    assert here.recv() == "more"
    assert not here.poll(0), "the name keeps the end open"
    onecopy.withdraw("line")
    with pytest.raises(EOFError):
        here.recv()


def test_a_pipe_of_one_way_is_found_as_one():
    reader, writer = onecopy.Pipe(duplex=False)
    onecopy.publish("writer", writer)

    found = onecopy.find("writer")

    found.send(5)
    assert reader.recv() == 5
    assert (found.readable, found.writable) == (False, True)


def test_names_are_text():
    for wrong in (
        lambda: onecopy.publish(5, onecopy.Queue()),
        lambda: onecopy.find(5),
        lambda: onecopy.withdraw(b"name"),
    ):
        with pytest.raises(TypeError, match="a name is a str, and .* is of type"):
            wrong()


def test_nothing_may_be_published():
    onecopy.publish("nothing", None)

    assert onecopy.find("nothing") is None


def test_an_end_that_is_closed_is_refused():
    here, there = onecopy.Pipe()
    there.close()
    with pytest.raises(OSError, match="handle is closed"):
        onecopy.publish("line", there)
    assert onecopy.published() == []
    here.close()


@pytest.mark.parametrize(
    "make", ["Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event"]
)
def test_what_synchronises_is_found_as_itself(make):
    thing = getattr(onecopy, make)()
    onecopy.publish("thing", thing)

    found = onecopy.find("thing")

    if make == "Event":
        found.set()
        assert thing.is_set()
    else:
        with thing:
            assert found_elsewhere("thing", lambda other: other.acquire(False)) is False
        with found:
            pass


def test_arrays_and_values_of_ctypes_are_found_as_themselves():
    onecopy.publish("both", (onecopy.Array("d", 10), onecopy.Value("i", 5)))
    array, value = onecopy.find("both")
    array[3] = 1.5
    with value.get_lock():
        value.value += 1

    array, value = onecopy.find("both")

    assert (array[3], value.value) == (1.5, 6)


def test_small_values_are_found_as_copies():
    settings = {"edges": [1, 2.5], "name": "n"}
    onecopy.publish("settings", settings)
    settings["name"] = "changed"

    assert onecopy.find("settings") == {"edges": [1, 2.5], "name": "n"}


@pytest.mark.parametrize("large", [np.zeros(100_000), "x" * 5000, list(range(5000))])
def test_what_is_large_and_not_shared_is_refused(large):
    with pytest.raises(ValueError, match="only what is shared"):
        onecopy.publish("large", large)
    assert onecopy.published() == []


def test_queues_and_pipes_inside_of_others_are_refused():
    for held in (onecopy.Queue(), onecopy.Pipe()[0]):
        with pytest.raises(ValueError, match="cannot be published"):
            onecopy.publish("list", [held])


def test_what_cannot_be_pickled_is_the_error_of_the_pickling():
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        onecopy.publish("thing", lambda: 1)


def test_a_closed_queue_is_refused():
    queue = onecopy.SimpleQueue()
    queue.close()
    with pytest.raises(ValueError, match="closed"):
        onecopy.publish("queue", queue)


def test_names_are_taken_until_they_are_withdrawn():
    onecopy.publish("name", 1)
    with pytest.raises(ValueError, match=f"'name' is taken: process {os.getpid()}"):
        onecopy.publish("name", 2)
    assert onecopy.published() == ["name"]
    onecopy.withdraw("name")
    with pytest.raises(LookupError, match="no name 'name'; nothing is published"):
        onecopy.withdraw("name")
    onecopy.publish("name", 2)
    assert onecopy.find("name") == 2


@pytest.mark.parametrize("name", ["", "x" * 64, "a\n", "ü" * 32])
def test_not_everything_is_a_name(name):
    with pytest.raises(ValueError, match="a name"):
        onecopy.publish(name, 1)
    with pytest.raises(ValueError, match="a name"):
        onecopy.find(name)


def test_what_is_not_there_is_told_with_what_is():
    onecopy.publish("frames", 1)
    with pytest.raises(LookupError, match="no name 'frame'; there is 'frames'"):
        onecopy.find("frame")
    with pytest.raises(TimeoutError, match="not in time: there is no name 'frame'"):
        onecopy.find("frame", 0.01)


def test_names_are_waited_for(method):
    with onecopy.get_context(method).Pool(1) as pool:
        pool.apply(os.getpid)
        found = pool.apply_async(onecopy.find, ("late", None))
        onecopy.publish("late", 5)
        assert found.get() == 5


def test_a_dead_publishers_names_are_free():
    def publish_and_die():
        onecopy.publish("name", onecopy.Queue())
        os.kill(os.getpid(), 9)

    child = onecopy.get_context("fork").Process(target=publish_and_die)
    child.start()
    child.join()
    assert onecopy.published() == []
    onecopy.publish("name", 1)


def test_another_process_cannot_withdraw():
    onecopy.publish("name", 1)

    def withdraw(_):
        try:
            onecopy.withdraw("name")
        except PermissionError as error:
            return str(error)

    assert str(os.getpid()) in found_elsewhere("name", withdraw)


def test_a_program_without_a_family_has_no_names(python):
    outcome = python(
        """
        import onecopy
        try:
            onecopy.find("name", None)
        except ValueError as error:
            print(error)
        """
    )
    assert "in no family" in outcome.stdout, outcome
