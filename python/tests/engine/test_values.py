"""Values through a queue: what comes out is what pickle would have made of what went in."""

import math
import pickle
import random
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onecopy import _engine


class Subclassed(list):
    pass


class Colour(str):
    pass


class Plain:
    def __init__(self, name):
        self.name = name

    def __eq__(self, other):
        return type(other) is Plain and other.name == self.name


KNOWN = [
    None,
    True,
    False,
    0,
    63,
    64,
    -1,
    -129,
    2**31 - 1,
    -(2**31),
    2**63 - 1,
    -(2**63),
    2**63,
    -(2**63) - 1,
    2**64,
    10**1000,
    -(10**1000),
    255**1000,
    0.0,
    -0.0,
    1.5,
    float("inf"),
    5e-324,
    1 - 2j,
    complex(-0.0, float("inf")),
    "",
    "a",
    "é",
    "ascii only",
    "Zürich",
    "日本語",
    "🙂" * 3000,
    "x" * 100_000,
    "é" * 100_000,
    "\x00 and \ud800 alone",
    "\udcff" * 5000,
    b"",
    b"\x00",
    b"some bytes",
    bytes(range(256)) * 1000,
    [],
    [1],
    [1, 2, 3],
    list(range(1000)),
    list(range(-5000, 5000)),
    [2**63 - 1] * 600,
    [0.5],
    [random.random() for _ in range(100)],
    [random.random() for _ in range(10_000)],
    [0.0, -0.0],
    (),
    (1,),
    ((), [], {}),
    {},
    {"a": 1, "b": [2.5, None], 3: {"c": ("d",)}},
    {(1, "two"): {b"3": 4.0}},
    [1, 2.0, "3", b"4", None, True, (5,), [6], {7: 8}],
    [True] * 100,
    [1.0] * 5000 + [1],
    list(range(5000)) + [2**70],
    list(range(20)) + [True],
]


def same(left, right):
    """Equal, and of the same types all the way down; -0.0 is not 0.0 here."""
    if type(left) is not type(right):
        return False
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return same(list(left.items()), list(right.items()))
    return repr(left) == repr(right)


@pytest.mark.parametrize("value", KNOWN, ids=lambda value: repr(value)[:40])
def test_a_known_value_comes_back_without_pickle(queue, counted, value):
    queue.put(value)
    assert same(queue.get(), value)
    assert counted("pickled") == 0


@pytest.mark.parametrize(
    "value",
    [
        {1, 2},
        frozenset("ab"),
        bytearray(b"x"),
        range(3),
        Subclassed([1]),
        Colour("red"),
        Plain("p"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_anything_else_comes_back_by_pickle(queue, counted, value):
    queue.put(value)
    queue.put([1, {"inside": value}])
    first, second = queue.get(), queue.get()
    assert first == value and type(first) is type(value)
    assert second == [1, {"inside": value}] and type(second[1]["inside"]) is type(value)
    assert counted("pickled") == 2


def test_a_float_that_is_not_a_number_comes_back(queue):
    queue.put(float("nan"))
    queue.put([float("nan")])
    alone, (inside,) = queue.get(), queue.get()
    assert math.isnan(alone) and math.isnan(inside)


def test_values_come_out_in_the_order_they_went_in(queue):
    for value in KNOWN:
        queue.put(value)
    assert all(same(queue.get(), value) for value in KNOWN)


_leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text(max_size=30)
    | st.binary(max_size=30)
)
_keys = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.binary(max_size=8)
_nested = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.lists(inner, max_size=6).map(tuple)
        | st.dictionaries(_keys, inner, max_size=6)
        | st.tuples(inner, st.integers(0, 4)).map(lambda pair: [pair[0]] * pair[1])
    ),
    max_leaves=40,
)


def shape(value, seen):
    """A value with its identities: equal for two values when the same objects repeat in both."""
    if isinstance(value, (list, tuple, dict, str, bytes)) and len(value) > 1:
        if id(value) in seen:
            return ("again", seen[id(value)])
        seen[id(value)] = len(seen)
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, [shape(item, seen) for item in value])
    if isinstance(value, dict):
        return ("dict", [(shape(k, seen), shape(v, seen)) for k, v in value.items()])
    return repr(value)


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(_nested)
def test_nested_values_come_back_as_from_pickle(queue, value):
    queue.put(value)
    result = queue.get()
    assert shape(result, {}) == shape(pickle.loads(pickle.dumps(value, 5)), {})


# -- identity within a message --------------------


def test_one_object_twice_is_one_object_twice(queue, counted):
    text, numbers, pair, table = "a text", [1.0, 2.0], (1, "x"), {"k": None}
    queue.put([text, text, numbers, numbers, pair, pair, table, table, b"data", b"data"])
    result = queue.get()
    assert all(result[i] is result[i + 1] for i in range(0, 8, 2))
    result[2].append(3.0)
    assert result[3] == [1.0, 2.0, 3.0]
    assert counted("pickled") == 0


def test_large_data_that_occur_twice_travel_once(queue, counted):
    text, data, numbers = "long " * 10_000, bytes(100_000), [0.5] * 10_000
    queue.put((text, data, numbers, {"again": (text, data, numbers)}))
    result = queue.get()
    assert all(result[i] is result[3]["again"][i] for i in range(3))
    assert counted("buffers_copied") == 3


def test_equal_objects_stay_apart(queue):
    queue.put([[1], [1]])
    first, second = queue.get()
    assert first is not second


def test_many_shared_objects(queue):
    objects = [[i] for i in range(20_000)]
    queue.put([objects, objects[::-1]])
    forth, back = queue.get()
    assert forth == objects
    assert all(a is b for a, b in zip(forth, reversed(back)))


def test_what_holds_itself(queue, counted):
    loop = [1]
    loop.append(loop)
    queue.put(loop)
    result = queue.get()
    assert result[0] == 1 and result[1] is result

    table = {}
    table["pair"] = (table, 2)
    queue.put([table])
    (result,) = queue.get()
    assert result["pair"][0] is result
    assert counted("pickled") == 2


# -- depth --------------------


def nested(depth):
    value = 0
    for _ in range(depth):
        value = [value]
    return value


def depth_of(value):
    depth = 0
    while isinstance(value, list):
        (value,) = value
        depth += 1
    return depth


def test_a_thousand_levels_need_no_pickle(queue, counted):
    queue.put(nested(1000))
    assert depth_of(queue.get()) == 1000
    assert counted("pickled") == 0


def test_too_many_levels_are_pickles_to_refuse(queue):
    endless = nested(200_000)
    with pytest.raises(RecursionError):
        queue.put(endless)
    assert queue.empty()
    while endless:  # taken apart by hand: freeing it is recursive too
        endless = endless[0]


# -- errors where they happen --------------------


def test_what_cannot_be_pickled_raises_in_put(queue):
    with pytest.raises(Exception, match="pickle|lambda"):
        queue.put(lambda: 1)
    with pytest.raises(TypeError):
        queue.put([b"x" * 100_000, sys._getframe()])
    assert queue.empty()


class RaisesOnLoad:
    def __reduce__(self):
        return int, ("not a number",)


def test_what_cannot_be_rebuilt_raises_in_get_and_is_gone(queue):
    queue.put(RaisesOnLoad())
    queue.put("next")
    with pytest.raises(ValueError, match="not a number"):
        queue.get()
    assert queue.get() == "next"


class PutsWhilePickled:
    def __init__(self, queue):
        self.queue = queue

    def __reduce__(self):
        self.queue.put("from inside")
        return str, ("from outside",)


def test_pickling_may_put(queue):
    queue.put(PutsWhilePickled(queue))
    assert queue.get() == "from inside"
    assert queue.get() == "from outside"


class ClosesWhilePickled:
    def __init__(self, queue):
        self.queue = queue

    def __reduce__(self):
        self.queue._close()
        return str, ("late",)


def test_pickling_may_close_the_queue():
    queue = _engine.Queue()
    queue.put(ClosesWhilePickled(queue))
    with pytest.raises(ValueError, match="closed"):
        queue.get()


class EmptiesItsList:
    def __init__(self, items):
        self.items = items

    def __reduce__(self):
        self.items.clear()
        return str, ("cleared",)


def test_a_list_may_change_while_it_is_pickled(queue):
    items = ["x" * 5000 for _ in range(100)]
    items.insert(50, EmptiesItsList(items))
    queue.put(items)
    assert "cleared" in queue.get()
