"""Pickling for what the engine's fast path does not know.

Everything registered with multiprocessing's ForkingPickler or with copyreg counts, at whatever
time it was registered, and so does a reducer set on a context. A Pickler is made for each call:
pickling may run code that pickles.
"""

from __future__ import annotations

import copyreg
import io
import pickle
from multiprocessing import context, reduction

from . import _engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

loads = pickle.loads

_StockPickler = reduction.ForkingPickler
_registered: dict[type, Any] = {}
_registered_with_copyreg: dict[type, Any] = {}
_table: dict[type, Any] = {}


def _dispatch_table() -> dict[type, Any]:
    """Both registries in one, made anew only when one of them changed."""
    global _registered, _registered_with_copyreg, _table
    extra: dict[type, Any] = _StockPickler._extra_reducers  # type: ignore[attr-defined]
    if extra != _registered or copyreg.dispatch_table != _registered_with_copyreg:
        _registered = extra.copy()
        _registered_with_copyreg = copyreg.dispatch_table.copy()
        _table = {**_registered_with_copyreg, **_registered}
    return _table


def dumps(obj: Any, buffer_callback: Callable[[Any], Any] | None) -> bytes:
    """`obj` in pickle protocol 5; its buffers go to `buffer_callback`, where there is one,
    and not into the result.

    Raises whatever the object's own reduction raises, usually PicklingError or TypeError.
    """
    pickler_class: Any = context.reduction.ForkingPickler  # type: ignore[attr-defined]
    if pickler_class is not _StockPickler:  # the program's own, which knows nothing of buffers
        return bytes(pickler_class.dumps(obj))
    file = io.BytesIO()
    pickler_class = pickle.Pickler
    if buffer_callback is not None and _engine.SharedBuffer._are_there():
        from . import _share

        pickler_class = _share.Pickler
    pickler = pickler_class(file, 5, buffer_callback=buffer_callback)
    pickler.dispatch_table = _dispatch_table()
    pickler.dump(obj)
    return file.getvalue()
