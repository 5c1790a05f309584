"""Pickling for what the engine's fast path does not know.

Everything registered with multiprocessing's ForkingPickler or with copyreg counts, at whatever
time it was registered, and so does a reducer set on a context. A Pickler is made for each call:
pickling may run code that pickles.

What pickles by value, through a copy of its own, and need not, is reduced here by a buffer out of
band, where nothing else is registered for it: array.array here, NumPy's arrays in _arrays.py.
"""

from __future__ import annotations

import copyreg
import io
import pickle
from array import array
from multiprocessing import context, reduction

from . import _engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

loads = pickle.loads

_MANAGERS = "multiprocessing.managers"

_LARGE = 64 * 1024  # bytes; less is copied faster than it is described

_StockPickler = reduction.ForkingPickler
_registered: dict[type, Any] = {}
_registered_with_copyreg: dict[type, Any] = {}


def _array_of(typecode: str, buffer: Any) -> array[Any]:
    made: array[Any] = array(typecode)
    made.frombytes(buffer)
    return made


def _reduce_array(obj: array[Any]) -> Any:
    if len(obj) * obj.itemsize < _LARGE or obj.typecode == "u":
        return obj.__reduce_ex__(5)
    # Copied at once: an array that somebody has a buffer of cannot grow meanwhile.
    copy: Any = _engine.Buffer._copy(obj)
    return _array_of, (obj.typecode, pickle.PickleBuffer(copy))


class _Reducers(_engine.ReducerTable):
    def __missing__(self, cls: type) -> Any:
        from . import _arrays

        reducer = self[cls] = _arrays.reducer_of(cls)
        return reducer


_table = _Reducers()


def _reducers() -> _Reducers:
    """Both registries in one, made anew only when one of them changed."""
    global _registered, _registered_with_copyreg, _table
    extra: dict[type, Any] = _StockPickler._extra_reducers  # type: ignore[attr-defined]
    if extra != _registered or copyreg.dispatch_table != _registered_with_copyreg:
        _registered = extra.copy()
        _registered_with_copyreg = copyreg.dispatch_table.copy()
        _table = _Reducers({**_registered_with_copyreg, **_registered})
        # That of multiprocessing.managers says the same by value, and is there once that is loaded.
        if getattr(_table.get(array), "__module__", _MANAGERS) == _MANAGERS:
            _table[array] = _reduce_array
    return _table


def has_own_pickler() -> bool:
    """Whether the program has put a pickler of its own in the place of stock's."""
    return _own_pickler() is not None


def _own_pickler() -> Any:
    """The program's own ForkingPickler, which knows nothing of buffers; None: it has none."""
    pickler_class = context.reduction.ForkingPickler  # type: ignore[attr-defined]
    return None if pickler_class is _StockPickler else pickler_class


def dump(obj: Any, sink: _engine.PickleSink) -> bytes | None:
    """Writes `obj` in pickle protocol 5, its large buffers out of band. Bytes are what the
    program's own pickler made of it, for which nothing is written.

    Raises whatever the object's own reduction raises, usually PicklingError or TypeError.
    """
    own = _own_pickler()
    if own is not None:
        return bytes(own.dumps(obj))
    pickler_class: Callable[..., Any] = pickle.Pickler
    if _engine.SharedBuffer._are_there():
        from . import _share

        pickler_class = _share.Pickler
    pickler = pickler_class(sink, 5, buffer_callback=sink.take_buffer)
    pickler.dispatch_table = _reducers()
    pickler.dump(obj)
    return None


def dumps(obj: Any) -> bytes:
    """The same with everything in it, for whoever reads it."""
    own = _own_pickler()
    if own is not None:
        return bytes(own.dumps(obj))
    file = io.BytesIO()
    pickler: Any = pickle.Pickler(file, 5)
    pickler.dispatch_table = {**copyreg.dispatch_table, **_StockPickler._extra_reducers}  # type: ignore[attr-defined]
    pickler.dump(obj)
    return file.getvalue()
