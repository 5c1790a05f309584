"""A view of a shared array arrives as a view of the same memory."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import onecopy as mp

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
def test_a_view_arrives_as_a_view_of_the_same_memory(through, view, is_same_memory):
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
def test_whatever_view_arrives_as_what_it_was(through, is_same_memory, view):
    received = through(view)

    assert (received.shape, received.dtype) == (view.shape, view.dtype)
    assert view.size == 0 or is_same_memory(received, view)
