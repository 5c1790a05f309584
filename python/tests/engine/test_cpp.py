"""Values between Python and C++: what Python puts, C++ takes as a type of its own and sends on."""

import ctypes
import os
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies

import onecopy
from onecopy import _engine

from .test_arrays import LARGE, NUMBERS, same_array
from .test_values import KNOWN, Plain, _nested, same

ROOT = Path(__file__).parents[3]
COMPILER = os.environ.get("CXX") or shutil.which("g++") or "c++"


@pytest.fixture(scope="session")
def cpp_side(tmp_path_factory):
    """The C++ side, a library that shares this process's engine."""
    library = tmp_path_factory.mktemp("cpp") / "libcpp_side.so"
    package = Path(_engine.__file__).parent
    subprocess.run(
        [COMPILER, "-std=c++20", "-shared", "-fPIC", "-o", library]
        + [Path(__file__).with_name("cpp_side.cpp"), f"-I{ROOT / 'include'}", f"-I{ROOT / 'src'}"]
        + [f"-L{package}", "-lonecopy", f"-Wl,-rpath,{package}"],
        check=True,
    )
    side = ctypes.CDLL(str(library))
    side.hand_on.restype = ctypes.c_char_p
    return side


@pytest.fixture
def cpp(cpp_side, queue):
    """Sends a value to C++, which takes it as one of `type` and sends it on; what comes back."""
    back = _engine.Queue()

    def through(type, value):
        queue.put(value)
        return forward(type)

    def forward(type):
        why = cpp_side.hand_on(type.encode(), *queue._name(), *back._name())
        if why:
            raise TypeError(why.decode())
        return back.get()

    through.forward = forward
    through.queue = queue
    through.back = back
    yield through
    back._close()


def address(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("size", [0, 1, 600, LARGE])
@pytest.mark.parametrize("code", NUMBERS)
def test_an_array_of_every_type_comes_back(cpp, code, size):
    array = np.arange(size).astype(code)
    assert same_array(cpp("NdArray", array), array)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    numpy_strategies.arrays(
        dtype=np.float64,
        shape=numpy_strategies.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=12),
        elements=st.floats(allow_nan=False),
    ),
    st.sampled_from([lambda a: a, np.asfortranarray, lambda a: a.T, lambda a: a[..., ::-1]]),
    st.booleans(),
)
def test_an_array_of_every_shape_and_order_comes_back(cpp, array, view, writable):
    if array.ndim == 0:
        array = np.array(array)
    array = view(array) if array.ndim else array
    array.flags.writeable = writable
    assert same_array(cpp("NdView<const double>", array), array)


def test_a_large_array_is_not_copied_on_its_way_through_cpp(cpp, counted):
    array = np.arange(2.0 * LARGE).reshape(2, -1)
    cpp.queue.put(array)
    first = cpp.forward("NdView<double>")
    assert same_array(first, array) and counted("buffers_copied") == 1
    first[0, 0] = -1
    assert array[0, 0] == 0


def test_an_array_of_columns_stays_one(cpp):
    for columns in (3, 3000):
        array = np.asfortranarray(np.arange(4.0 * columns).reshape(4, -1))
        result = cpp("NdView<double, 2>", array)
        assert same_array(result, array) and result.flags.f_contiguous


def test_matrices_of_cpp_come_as_arrays(cpp, cpp_side):
    cpp_side.send_columns(*cpp.queue._name())
    whole, half = cpp.queue.get(), cpp.queue.get()
    expected = np.arange(4000.0).reshape(4, 1000).T
    assert (whole == expected).all() and whole.flags.f_contiguous and whole.flags.writeable
    assert (half == expected[::2]).all() and half.flags.writeable


def test_arrays_in_containers_come_back(cpp):
    arrays = {"a": [np.ones((2, 3), np.float32), np.zeros(LARGE, np.float32)], "b": []}
    result = cpp("map<string, vector<NdView<float>>>", arrays)
    assert list(result) == ["a", "b"] and result["b"] == []
    assert all(map(same_array, result["a"], arrays["a"]))

    name, array, number = cpp("tuple<string, NdView<double>, int>", ("n", np.ones(LARGE), 7))
    assert (name, number) == ("n", 7) and same_array(array, np.ones(LARGE))


def test_one_array_twice_is_the_same_array_twice(cpp):
    array = np.ones(LARGE, np.float32)
    first, second = cpp("map<string, vector<NdView<float>>>", {"a": [array, array]})["a"]
    assert same_array(first, array) and same_array(second, array)


def test_a_shared_array_stays_shared(cpp):
    array = onecopy.zeros((10, 100))
    result = cpp("NdView<double, 2>", array[::2, 5::-1])
    result[4, 0] = 7
    assert array[8, 5] == 7 and result.shape == (5, 6)
    whole = cpp("Object", {"shared": array})["shared"]
    whole[0, 0] = 1
    assert array[0, 0] == 1


@pytest.mark.parametrize(
    "type, value, why",
    [
        (
            "NdView<double>",
            np.ones(3, np.float32),
            "an array of float64 was wanted, and this is one of float32 in 1 dimension",
        ),
        (
            "NdView<double, 2>",
            np.ones(3),
            "an array of float64 in 2 dimensions was wanted, and this is one of float64 in 1 "
            "dimension",
        ),
        (
            "NdView<double>",
            [1.0, 2.0],
            "an array of float64 was wanted, and the message has a list of floating-point numbers",
        ),
        (
            "NdView<bool>",
            np.array([2], np.uint8).view(bool),
            "an array of bool was wanted, and in this one is what is neither true nor false",
        ),
        ("double", "text", "a floating-point number was wanted, and the message has a string"),
        (
            "Opaque",
            1.5,
            "what only Python's pickle can read was wanted, and the message has a floating-point "
            "number",
        ),
    ],
)
def test_another_type_is_refused_by_name(cpp, type, value, why):
    with pytest.raises(TypeError) as caught:
        cpp(type, value)
    assert str(caught.value) == why


def test_an_array_that_may_only_be_read_is_refused_for_writing(cpp):
    array = np.ones(LARGE)
    array.flags.writeable = False
    with pytest.raises(TypeError, match="may only be read: an NdView of const elements takes it"):
        cpp("NdView<double>", array)
    assert same_array(cpp("NdView<const double>", array), array)
    assert same_array(cpp("Object", array), array)


@pytest.mark.parametrize("type", ["double", "NdView<double>", "vector<double>", "string"])
@pytest.mark.parametrize(
    "value", [Plain("p"), {1, 2}, np.ones(LARGE, ">f8"), np.ones(3, "M8[s]")], ids=repr
)
def test_what_only_pickle_reads_is_refused_by_name(cpp, type, value):
    with pytest.raises(TypeError, match="only Python's pickle can read .* byte order; .*Opaque"):
        cpp(type, value)


@pytest.mark.parametrize("type", ["Opaque", "Object"])
def test_what_only_pickle_reads_is_handed_on(cpp, counted, type):
    assert cpp(type, Plain("p")) == Plain("p")
    assert cpp(type, [{1, 2}, bytes(100_000)]) == [{1, 2}, bytes(100_000)]
    array = np.arange(float(LARGE)).astype(">f8")
    copied = counted("buffers_copied")
    result = cpp(type, array)
    assert same_array(result, array) and counted("buffers_copied") == copied + 1
    shared = onecopy.zeros(LARGE)
    assert cpp(type, (Plain("p"), shared))[1][5] == 0
    cpp(type, (Plain("p"), shared))[1][5] = 3
    assert shared[5] == 3


# Lone surrogates are no text in C++, so it takes a string with one for bytes.
_TEXTS = [value for value in KNOWN if not (isinstance(value, str) and not value.isprintable())]


@pytest.mark.parametrize("value", _TEXTS, ids=lambda value: repr(value)[:40])
def test_a_known_value_comes_back_as_an_object(cpp, value):
    assert same(cpp("Object", value), value)


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(_nested)
def test_nested_values_come_back_as_objects(cpp, value):
    assert same(cpp("Object", value), value)


def test_a_mixed_dict_comes_back_as_an_object(cpp):
    array = np.arange(6.0).reshape(2, 3)
    value = {"name": "x", "data": array, "n": 3, (1, None): [True, b"", 2**100, 1j]}
    result = cpp("Object", value)
    assert same_array(result.pop("data"), value.pop("data"))
    assert same(result, value)


def test_a_pipe_found_by_its_name_speaks_both_languages(cpp_side, counted):
    here, there = onecopy.Pipe()
    onecopy.publish("sums", there)
    there.close()
    # It lets go of the interpreter, as ctypes does.
    answering = threading.Thread(target=cpp_side.answer_with_sums, args=(b"sums",))
    answering.start()

    array = np.arange(2.0 * LARGE)
    here.send(array)
    assert here.recv() == array.sum()
    assert counted("buffers_copied") == 1

    onecopy.withdraw("sums")
    here.close()
    answering.join()
