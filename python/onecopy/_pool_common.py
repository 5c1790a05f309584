"""Arrays that several tasks of one call are given: stored once. Each task has a view of its own, of
which only the pages that it writes to are copied.
"""

from __future__ import annotations

import pickle
from contextlib import suppress

import numpy as np

from . import _engine, _family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

_LARGE = 512 * 1024  # bytes; what is smaller is copied sooner than mapped


def is_large(value: Any) -> bool:
    """Whether it is, or is a tuple with, an array that had better be stored once."""
    if type(value) is tuple:
        return any(_is_large(each) for each in value)
    return _is_large(value)


_SIMPLE = (bool, bytes, complex, float, int, str, type(None))


def _is_clear(item: Any) -> bool:
    """Whether all arrays that it has are seen: it is one, or something simple, or a tuple of
    these."""
    if type(item) is tuple:
        return all(_is_simple(each) for each in item)
    return _is_simple(item)


def _is_simple(value: Any) -> bool:
    return type(value) in _SIMPLE or (type(value) is np.ndarray and not value.dtype.hasobject)


def _is_large(value: Any) -> bool:
    return type(value) is np.ndarray and value.nbytes >= _LARGE


class Common:
    """Stands for an array in a task."""

    def __init__(self, array: NDArray[Any]) -> None:
        """MemoryError names the limit."""
        _family.join()
        order = "C" if array.flags.c_contiguous else "F"
        data: Any = array.reshape(-1, order="A").view(np.uint8)
        self._memory: Any = _engine.SharedBuffer._copy_of(data)
        self._description = array.dtype, array.shape, order, array.flags.writeable

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        return _array, (pickle.PickleBuffer(self._memory), *self._description)


def _array(
    memory: Any, dtype: np.dtype[Any], shape: tuple[int, ...], order: Any, writable: bool
) -> NDArray[Any]:
    own: Any = None
    if isinstance(memory, _engine.SharedBuffer):
        with suppress(OSError, MemoryError):  # too many mappings, say
            own = memory._own_view()
    if own is None:
        own = bytearray(memory)
    made: NDArray[Any] = np.ndarray(shape, dtype, own, order=order)
    made.flags.writeable = writable
    return made


class Commons:
    """The large arrays of one call's items, which somebody else keeps meanwhile."""

    def __init__(self) -> None:
        # By the identity of each: the array, the task it was first met in, and what stands for it
        # from the second on.
        self._known: dict[int, tuple[NDArray[Any], int, Common | None]] = {}

    def in_task(self, number: int, items: tuple[Any, ...]) -> tuple[Any, ...]:
        """The items of one task, with what stands for arrays of other tasks in their place. Where
        something else is among them that may have such an array as well, it must stay the same one
        in both places, and nothing is replaced."""
        if not all(map(_is_clear, items)):
            return items
        return tuple([self._in_item(number, item) for item in items])

    def _in_item(self, number: int, item: Any) -> Any:
        if type(item) is tuple:
            return tuple([self._for(number, each) for each in item])
        return self._for(number, item)

    def _for(self, number: int, value: Any) -> Any:
        if not _is_large(value):
            return value
        _, first, common = self._known.setdefault(id(value), (value, number, None))
        if common is None and first != number and _can_be_stored(value):
            with suppress(MemoryError):  # there is no room for one more copy
                common = Common(value)
                self._known[id(value)] = value, first, common
        return common or value


def _can_be_stored(array: NDArray[Any]) -> bool:
    if array.dtype.hasobject or not array.flags.forc:
        return False
    return _engine.SharedBuffer._around(array) is None  # as what is shared anyway it stays shared
