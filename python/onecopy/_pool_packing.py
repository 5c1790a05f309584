"""What stands for a function in the tasks of a pool.

A task is `(packed, way, arguments, keywords)`: a function as `pack` made it, one of the ways to
call it (_engine.CALL, MAP and STARMAP), and with what.
"""

from __future__ import annotations

import pickle
import sys
from io import BytesIO
from multiprocessing.reduction import ForkingPickler
from types import BuiltinFunctionType, FunctionType

from . import _engine, _family, _pickler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    Packed = Any  # what stands for a function in a task
    Task = tuple[Packed, int, Any, Any]

_LARGE = 32 * 1024  # bytes, which many messages had better not have each
_BY_NAME = (FunctionType, BuiltinFunctionType, type)


def pack(function: Callable[..., Any], calls: int) -> Packed:
    """What stands for `function` in each of so many tasks: its pickle, where it can be made once
    for all of them, or else the function itself."""
    extra: dict[type, Any] = ForkingPickler._extra_reducers  # type: ignore[attr-defined]
    try:
        if type(function) in _BY_NAME and type(function) not in extra:
            by_value = pack_by_value(function) if _is_typed(function) else None
            return by_value or pickle.dumps(function, 5)
        if calls > 1:
            from multiprocessing import resource_sharer

            sharer: Any = resource_sharer.__dict__["_resource_sharer"]
            handed_over = sharer._key
            pickled = _pickler.dumps(function)
            # What is handed over, a connection say, goes to the first who asks for it.
            return _store(pickled) if sharer._key == handed_over else function
    except Exception:
        by_value = pack_by_value(function)
        if by_value is not None:
            return _store(by_value) if calls > 1 else by_value
        # Told when the task is sent, if it is then; a lock, say, goes in messages only.
        return function
    return function


class Stored:
    """A large pickle, which lies in shared memory once, however many tasks go with it."""

    def __init__(self, block: Any) -> None:
        self.block = block

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        return Stored, (pickle.PickleBuffer(self.block),)


def _store(pickled: bytes) -> Packed:
    if len(pickled) < _LARGE or _pickler.has_own_pickler():
        return pickled
    _family.join()
    block: Any = _engine.SharedBuffer._copy_of(pickled)
    return Stored(block)


def pack_by_value(function: Callable[..., Any]) -> bytes | None:
    """A pickle of what pickle refuses: a lambda, a closure, a function inside another. None where
    cloudpickle is not installed, or refuses it too."""
    try:
        from cloudpickle import dumps  # type: ignore[import-untyped]
    except ImportError:
        return None
    try:
        pickled: bytes = dumps(function, 5)
    except Exception:
        return None
    return pickled


def _is_typed(function: Callable[..., Any]) -> bool:
    """Whether it comes from a prompt or a notebook, where the workers' own modules may lack it."""
    return function.__module__ == "__main__" and not hasattr(sys.modules["__main__"], "__file__")


class _Finder(pickle.Unpickler):
    """Keeps what was found last by a name, and the names of its module."""

    found: tuple[Any, Any, str, str] | None = None

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        self.found = found, getattr(sys.modules.get(module), "__dict__", {}), module, name
        return found


# The functions that are nothing but a name in their pickle, as they were found last.
_found: dict[bytes, tuple[Any, Any, str, str]] = {}


def unpack(packed: Packed) -> Callable[..., Any]:
    """The function, made anew: what one task does to it is not seen by the next."""
    if type(packed) is Stored:
        return pickle.loads(packed.block)  # type: ignore[no-any-return]
    if type(packed) is not bytes:
        return packed  # type: ignore[no-any-return]
    known = _found.get(packed)
    if known is not None:
        function, names, module, name = known
        is_there = getattr(sys.modules.get(module), "__dict__", None) is names
        if is_there and names.get(name) is function:
            return function  # type: ignore[no-any-return]
    finder = _Finder(BytesIO(packed))
    function = finder.load()
    if finder.found is not None and finder.found[0] is function:
        _found[packed] = finder.found
    return function  # type: ignore[no-any-return]


def call_packed(packed: Packed, arguments: Any, keywords: Any) -> Any:
    """For arguments that are no tuple, or keywords that are no dict."""
    return unpack(packed)(*arguments, **keywords)


def name_of(function: Callable[..., Any]) -> str:
    """For people."""
    name = getattr(function, "__qualname__", None)
    return name if type(name) is str else type(function).__qualname__


def describe_call(name: str, begin: int, end: int) -> str:
    """What is called, and with which of its items."""
    return f"{name}, item {begin}" if end - begin == 1 else f"{name}, items {begin} to {end - 1}"
