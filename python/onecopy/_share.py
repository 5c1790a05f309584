"""NumPy arrays that are shared: sending one hands over a reference to its memory.

A shared array is an ordinary numpy.ndarray whose data lie in a shared block of the arena, and so
is every view of one. A message holds the memory by itself, so that it may outlive its sender; the
last process or message that has it frees it.
"""

from __future__ import annotations

import math
import pickle
from multiprocessing.context import get_spawning_popen
from multiprocessing.reduction import ForkingPickler

from . import _engine, _family

try:
    import numpy as np
except ImportError as error:
    raise ImportError("shared arrays are NumPy's, which is not installed: pip install numpy") from (
        error
    )

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal, Union

    from numpy.typing import ArrayLike, DTypeLike, NDArray

    Shape = Union[int, Sequence[int]]
    Order = Literal["C", "F"]

__all__ = ["empty", "full", "share", "zeros"]


def share(array: ArrayLike) -> NDArray[Any]:
    """An array that is shared, with a copy of what is in `array`: of its shape, dtype and order
    (Fortran or C), and writable if that is. One that is shared already is returned as it is.

    Sending a shared array, or any view of one, through a queue or a pipe, or giving it to a
    process, hands over a reference: all sides see what each writes. There is no lock in it: take
    one of yours where several write. The last who has it frees it. Arithmetic and pickle.dumps()
    make ordinary copies.

    TypeError: arrays of Python objects cannot be shared. MemoryError names the limit.
    """
    source = np.asarray(array)
    if _engine.SharedBuffer._around(source) is not None:
        return source
    _refuse_objects(source.dtype)
    order: Order = "F" if source.flags.fnc else "C"
    if source.flags.forc and source.nbytes != 0:
        _family.join()
        buffer: Any = _engine.SharedBuffer._copy_of(source.reshape(-1, order="A").view(np.uint8))
        shared: NDArray[Any] = np.ndarray(source.shape, source.dtype, buffer=buffer, order=order)
    else:
        shared = _make(source.shape, source.dtype, order, zero=False)
        shared[...] = source
    shared.flags.writeable = source.flags.writeable
    return shared


def empty(shape: Shape, dtype: DTypeLike = float, order: Order = "C") -> NDArray[Any]:
    """A shared array (see `share`) that nobody has written to: `shape` in elements, as numpy.empty
    has it. What is in it may be left over from anything that this program sent or received before.

    TypeError: arrays of Python objects cannot be shared. MemoryError names the limit.
    """
    return _make(shape, dtype, order, zero=False)


def zeros(shape: Shape, dtype: DTypeLike = float, order: Order = "C") -> NDArray[Any]:
    """A shared array (see `share`) of zeros: `shape` in elements, as numpy.zeros has it. A large
    new one takes memory only where it is written to.

    TypeError: arrays of Python objects cannot be shared. MemoryError names the limit.
    """
    return _make(shape, dtype, order, zero=True)


def full(
    shape: Shape, fill_value: ArrayLike, dtype: DTypeLike | None = None, order: Order = "C"
) -> NDArray[Any]:
    """A shared array (see `share`) filled with `fill_value`: `shape` in elements, as numpy.full
    has it; without a `dtype` it has that of the value.

    TypeError: arrays of Python objects cannot be shared. MemoryError names the limit.
    """
    made = _make(shape, np.asarray(fill_value).dtype if dtype is None else dtype, order, zero=False)
    np.copyto(made, fill_value, casting="unsafe")
    return made


def _refuse_objects(dtype: np.dtype[Any]) -> None:
    if dtype.hasobject:
        raise TypeError(
            f"an array of dtype {dtype} cannot be shared: its elements are Python objects, which"
            " live in one process"
        )


def _make(shape: Shape, dtype: DTypeLike, order: Order, *, zero: bool) -> NDArray[Any]:
    # NumPy's own answer to what it was asked for, and to what it refuses.
    pattern: NDArray[Any] = np.empty(0, dtype)
    _refuse_objects(pattern.dtype)
    extents: tuple[Any, ...] = tuple(shape) if np.iterable(shape) else (shape,)
    if any(extent < 0 for extent in extents):
        raise ValueError("negative dimensions are not allowed")
    _family.join()
    size = math.prod(int(extent) for extent in extents) * pattern.dtype.itemsize
    buffer: Any = _engine.SharedBuffer._make(size, zero)
    made: NDArray[Any] = np.ndarray(extents, pattern.dtype, buffer=buffer, order=order)
    return made


def _array(
    buffer: Any,
    cls: type[NDArray[Any]],
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    offset: int,
    writable: bool,
) -> NDArray[Any]:
    """The array of that kind in that memory; `offset` and `strides` in bytes."""
    made: NDArray[Any] = np.ndarray.__new__(cls, shape, dtype, buffer, offset, strides)
    made.flags.writeable = writable
    return made


def _describe(array: NDArray[Any]) -> tuple[Any, ...] | None:
    """The memory of a shared array and how it lies in it, for `_array`; None: it is not shared, or
    of a class that has its own way of being pickled."""
    cls = type(array)
    if cls.__reduce__ is not np.ndarray.__reduce__ or (
        cls.__reduce_ex__ is not np.ndarray.__reduce_ex__
    ):
        return None
    found = _engine.SharedBuffer._around(array)
    if found is None:
        return None
    buffer, offset = found
    return buffer, cls, array.dtype, array.shape, array.strides, offset, array.flags.writeable


class Pickler(pickle.Pickler):
    """For messages: the memory of a shared array is a buffer out of band, which the engine knows
    for what it is."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, np.ndarray) and (described := _describe(obj)) is not None:
            return _array, (pickle.PickleBuffer(described[0]), *described[1:])
        return NotImplemented


def _reduce_for_child(_: ForkingPickler, obj: Any) -> Any:
    """For a process that is being started afresh: it finds the memory by name, and holds it from
    now on. Anywhere else shared arrays are pickled as any array is."""
    popen: Any = get_spawning_popen()
    if popen is None or not isinstance(obj, np.ndarray):
        return NotImplemented
    described = _describe(obj)
    if described is None:
        return NotImplemented
    place = _family.Place.of(popen)
    described[0]._hold_for(place.slot)
    return _open, (place, described[0]._name(), *described[1:])


def _open(place: None, name: tuple[int, int], *description: Any) -> NDArray[Any]:
    return _array(_engine.SharedBuffer._open(*name), *description)


# An array has no __reduce__ of ours that could ask whether a child is being started, as locks do.
_forking_pickler: Any = ForkingPickler
_forking_pickler.reducer_override = _reduce_for_child
