"""What a message with a shared array in it refers to, and what it copies."""

import copy
import pickle
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest

import onecopy as mp


@dataclass
class Frame:
    name: str
    pixels: np.ndarray


def test_it_is_shared_wherever_in_a_message_it_is(through, is_same_memory):
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


def test_what_gives_its_array_out_of_band_gives_a_part_of_the_memory(through, is_same_memory):
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
