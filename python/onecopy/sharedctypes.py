"""Array and Value: ctypes objects in the arena, and their synchronized faces.

One element of a synchronized array or value is read or written without taking its lock, unless
somebody has it (the engine's gate); what the lock keeps apart is kept apart as under stock. The
classes derive from those of multiprocessing.sharedctypes, and are stock's own where the lock is
not one of the engine's or the elements are not plain numbers.
"""

from __future__ import annotations

import ctypes
from multiprocessing import sharedctypes as _stock
from multiprocessing.reduction import ForkingPickler

from . import _engine, _family, _names, context, heap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["RawValue", "RawArray", "Value", "Array", "copy", "synchronized"]

_stock_names: Any = _stock
_stock_synchronized: Any = _stock.synchronized

__getattr__ = _names.names_of(_stock, __name__)

# Of what ctypes calls these the elements are plain numbers, or single bytes.
_codes: dict[Any, str] = {
    ctypes.c_bool: "?",
    ctypes.c_char: "c",
    ctypes.c_byte: "b",
    ctypes.c_ubyte: "B",
    ctypes.c_short: "h",
    ctypes.c_ushort: "H",
    ctypes.c_int: "i",
    ctypes.c_uint: "I",
    ctypes.c_long: "l",
    ctypes.c_ulong: "L",
    ctypes.c_longlong: "q",
    ctypes.c_ulonglong: "Q",
    ctypes.c_float: "f",
    ctypes.c_double: "d",
}


def RawValue(typecode_or_type: Any, *args: Any) -> Any:
    """A ctypes object in shared memory, without a lock. `typecode_or_type` is one of array.array's
    codes or "c", or a ctypes type; `args` go to its constructor."""
    type_ = _stock_names.typecode_to_type.get(typecode_or_type, typecode_or_type)
    obj = _new_value(type_)
    obj.__init__(*args)
    return obj


def RawArray(typecode_or_type: Any, size_or_initializer: Any) -> Any:
    """A ctypes array in shared memory, without a lock: so many zeros, or a copy of the sequence."""
    type_ = _stock_names.typecode_to_type.get(typecode_or_type, typecode_or_type)
    if isinstance(size_or_initializer, int):
        return _new_value(type_ * size_or_initializer)
    result = _new_value(type_ * len(size_or_initializer))
    result.__init__(*size_or_initializer)
    return result


def Value(typecode_or_type: Any, *args: Any, lock: Any = True, ctx: Any = None) -> Any:
    """The same as RawValue behind a lock: `lock` is True for a new RLock, one to use, or False for
    none at all. AttributeError: that is no lock."""
    return _behind(lock, RawValue(typecode_or_type, *args), ctx)


def Array(
    typecode_or_type: Any, size_or_initializer: Any, *, lock: Any = True, ctx: Any = None
) -> Any:
    """The same as RawArray behind a lock, as for Value."""
    return _behind(lock, RawArray(typecode_or_type, size_or_initializer), ctx)


def _behind(lock: Any, obj: Any, ctx: Any) -> Any:
    if lock is False:
        return obj
    if lock in (True, None):
        lock = _context(ctx).RLock()
    if not hasattr(lock, "acquire"):
        raise AttributeError(f"{lock!r} has no method 'acquire'")
    return synchronized(obj, lock, ctx=ctx)


def _context(ctx: Any) -> Any:
    return ctx or context._default_context.get_context()


def copy(obj: Any) -> Any:
    """A new ctypes object in shared memory with the contents of `obj`."""
    new_obj = _new_value(type(obj))
    ctypes.pointer(new_obj)[0] = obj
    return new_obj


def synchronized(obj: Any, lock: Any = None, ctx: Any = None) -> Any:
    """The ctypes object behind a lock: a new RLock where none is given."""
    assert not isinstance(obj, _stock.SynchronizedBase), "object already synchronized"
    lock = lock or _context(ctx).RLock()
    make = _engine_class(obj, lock) or _stock_synchronized
    return make(obj, lock, ctx)


def _engine_class(obj: Any, lock: Any) -> Any:
    is_array = isinstance(obj, ctypes.Array)
    element = obj._type_ if is_array else type(obj)
    if not isinstance(lock, _engine.Lock) or element not in _codes:
        return None
    if ctypes.addressof(obj) % ctypes.sizeof(element) != 0:
        return None  # within a packed structure: no single load or store reaches it
    if not is_array:
        return Synchronized
    return SynchronizedString if element is ctypes.c_char else SynchronizedArray


def _new_value(type_: Any) -> Any:
    return rebuild_ctype(type_, heap.BufferWrapper(ctypes.sizeof(type_)), None)


def reduce_ctype(obj: Any) -> tuple[Any, ...]:
    """How a ctypes object in shared memory goes to another process."""
    _family.check_travels(type(obj).__name__)
    if isinstance(obj, ctypes.Array):
        return rebuild_ctype, (obj._type_, obj._wrapper, obj._length_)  # type: ignore[attr-defined]
    return rebuild_ctype, (type(obj), obj._wrapper, None)


def rebuild_ctype(type_: Any, wrapper: heap.BufferWrapper, length: int | None) -> Any:
    """The ctypes object, or array of `length` of them, that lies in the memory of `wrapper`."""
    if length is not None:
        type_ = type_ * length
    ForkingPickler.register(type_, reduce_ctype)
    obj = type_.from_buffer(wrapper.create_memoryview())
    obj._wrapper = wrapper
    return obj


class _OverEngine:
    """What the classes over the engine have in common."""

    _obj: Any
    _lock: Any
    _stand_on: Any

    def __init__(self, obj: Any, lock: Any = None, ctx: Any = None) -> None:
        _stock_names.SynchronizedBase.__init__(self, obj, lock, ctx)
        element = obj._type_ if isinstance(obj, ctypes.Array) else type(obj)
        self._stand_on(obj, self._lock, _codes[element])

    def __reduce__(self) -> tuple[Any, ...]:
        _family.check_travels(type(self).__name__)
        return synchronized, (self._obj, self._lock)


class Synchronized(_engine.Element, _OverEngine, _stock.Synchronized):  # type: ignore[type-arg]
    """A number behind a lock: `value`. `v.value += 1` is two accesses: take the lock around it."""


class SynchronizedArray(  # type: ignore[misc]
    _engine.Elements,
    _OverEngine,
    _stock.SynchronizedArray,  # type: ignore[type-arg]
):
    """An array of numbers behind a lock, which keeps every other thread of every process out."""


class SynchronizedString(SynchronizedArray, _stock.SynchronizedString):  # type: ignore[misc]
    """An array of bytes behind a lock, with `value` (up to the first zero byte) and `raw`."""
