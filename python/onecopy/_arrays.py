"""How NumPy's arrays are reduced in a message that is pickled, where NumPy itself would pickle them
by value: those with dates in them, with gaps, and of a class of their own. What arrives is what
arrives under stock.
"""

from __future__ import annotations

import pickle
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _engine

_LARGE = 64 * 1024  # bytes; less is copied faster than it is described

# Makes an array of a class, before it has its data.
_reconstruct: Any = np.ndarray(0).__reduce__()[0]

# Everything that an array needs but its class: buffer, dtype, shape, order.
_Description = tuple[Any, "np.dtype[Any]", "tuple[int, ...]", str]


def reducer_of(cls: type[NDArray[Any]]) -> Any:
    """How arrays of this class are reduced."""
    if cls is np.ndarray:
        return _reduce
    masked: Any = sys.modules.get("numpy.ma")
    if masked is not None and cls is masked.MaskedArray:
        return _reduce_masked
    ways = ("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__")
    if any(getattr(cls, way, None) is not getattr(np.ndarray, way, None) for way in ways):
        return _reduce_its_own_way
    return _reduce_with_class


def _reduce_its_own_way(array: NDArray[Any]) -> Any:
    return array.__reduce_ex__(5)


def _reduce(array: NDArray[Any]) -> Any:
    if _offers_buffer(array):
        # What comes of 5 looks into a buffer, and keeps what 4 loses: that the array is read-only,
        # and a foreign byte order.
        is_plain = array.flags.writeable and array.dtype.byteorder in "=|"
        return array.__reduce_ex__(4 if is_plain and array.nbytes < _LARGE else 5)
    if not _moves_as_bytes(array):
        return array.__reduce_ex__(4)  # with 5, axes in another order stay so, unlike stock's
    return _make, _describe(array)


def _reduce_with_class(array: NDArray[Any]) -> Any:
    if not _moves_as_bytes(array):
        return array.__reduce_ex__(5)
    bare = _reconstruct, (type(array), (0,), b"b")
    return *bare, _describe(array.view(np.ndarray)), None, None, _fill


def _reduce_masked(array: Any) -> Any:
    if not _moves_as_bytes(array):
        return array.__reduce_ex__(5)
    from numpy.ma import core

    bare = core._mareconstruct, (type(array), array._baseclass, (0,), "b")  # type: ignore[attr-defined]
    mask = core.getmaskarray(array)
    state = _describe(array.view(np.ndarray)), _describe(mask), array._fill_value
    return *bare, state, None, None, _fill_masked


def _moves_as_bytes(array: NDArray[Any]) -> bool:
    """Whether its elements are worth a buffer, and can be moved as bytes."""
    return array.nbytes >= _LARGE and not array.dtype.hasobject


def _offers_buffer(array: NDArray[Any]) -> bool:
    """Whether NumPy itself gives it out of band."""
    flags = array.flags
    if not (flags.c_contiguous or flags.f_contiguous):
        return False
    if array.dtype.kind in "biufcSU":
        return True
    exporter: Any = array
    try:
        pickle.PickleBuffer(exporter)
    except ValueError:  # there are dates in it
        return False
    return True


def _describe(array: NDArray[Any]) -> _Description:
    """Of an array that is writable and in the machine's byte order, as what arrives is under stock.
    One that is so already, and has no gaps, is copied by the engine, else here."""
    dtype, flags = array.dtype, array.flags
    order = "F" if flags.f_contiguous and not flags.c_contiguous else "C"
    is_foreign = dtype.byteorder not in "=|"
    if flags.writeable and (flags.c_contiguous or flags.f_contiguous) and not is_foreign:
        in_order = array.T if order == "F" else array
        buffer: Any = in_order.reshape(-1).view(np.uint8)
    else:
        if is_foreign:
            dtype = dtype.newbyteorder("=")
        buffer = _engine.Buffer._make(array.nbytes)
        # As bytes: field by field NumPy would leave out what lies between the fields.
        moved = np.dtype((np.void, dtype.itemsize)) if dtype.fields else dtype
        source = array.view(moved) if dtype.fields else array
        np.copyto(_make(buffer, moved, array.shape, order), source)
    return pickle.PickleBuffer(buffer), dtype, array.shape, order


def _make(buffer: Any, dtype: np.dtype[Any], shape: tuple[int, ...], order: Any) -> NDArray[Any]:
    made: NDArray[Any] = np.ndarray(shape, dtype, buffer, order=order)
    return made


def _fill(array: NDArray[Any], description: _Description) -> None:
    _engine.exchange_arrays(array, _make(*description))


def _fill_masked(array: Any, state: Any) -> None:
    data, mask, fill_value = state
    _fill(array, data)
    _fill(array._mask, mask)
    array.fill_value = fill_value
