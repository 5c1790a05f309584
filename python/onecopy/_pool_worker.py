"""What the worker of a pool does: it takes tasks, one at a time, and answers each.

A task is `(function, way, arguments, keywords)`: a function as `pack` made it, and one of the ways
to call it below. The answer of a task is its result, or the exception that it raised.
"""

from __future__ import annotations

import itertools
import pickle
import signal
import sys
import traceback
from multiprocessing import resource_sharer, util
from multiprocessing.context import get_spawning_popen
from multiprocessing.pool import (  # type: ignore[attr-defined]
    ExceptionWithTraceback,
    MaybeEncodingError,
)
from multiprocessing.reduction import ForkingPickler
from time import perf_counter
from types import BuiltinFunctionType, FrameType, FunctionType

from . import _engine, _family, _pickler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Callable

    Packed = Any  # what stands for a function in a task
    Task = tuple[Packed, "str", Any, Any]

CALL = "call"  # once, with the arguments and the keywords
MAP = "map"  # with each of the arguments
STARMAP = "starmap"  # with each of the arguments, which is a tuple of them

_BY_NAME = (FunctionType, BuiltinFunctionType, type)


class NoticeOfLeave:
    """What a worker tells that has done as many tasks as it may."""

    def __init__(self, seat: int) -> None:
        self.seat = seat


class InitializerFailed:
    """What a worker tells whose initializer raised."""

    def __init__(self, exception: str, traceback: str) -> None:
        self.exception = exception
        self.traceback = traceback


def pack(function: Callable[..., Any], calls: int) -> Packed:
    """What stands for `function` in each of so many tasks: its pickle, where it can be made once
    for all of them, or else the function itself."""
    extra: dict[type, Any] = ForkingPickler._extra_reducers  # type: ignore[attr-defined]
    try:
        if type(function) in _BY_NAME and type(function) not in extra:
            by_value = pack_by_value(function) if _is_typed(function) else None
            return by_value or pickle.dumps(function, 5)
        if calls > 1:
            sharer: Any = resource_sharer.__dict__["_resource_sharer"]
            handed_over = sharer._key
            pickled = _pickler.dumps(function)
            # What is handed over, a connection say, goes to the first who asks for it.
            return pickled if sharer._key == handed_over else function
    except Exception:
        # None: told when the task is sent, if it is then; a lock, say, goes in messages only.
        return pack_by_value(function) or function
    return function


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


def unpack(packed: Packed) -> Callable[..., Any]:
    """The function, made anew: what one task does to it is not seen by the next."""
    if type(packed) is bytes:
        function: Callable[..., Any] = pickle.loads(packed)
        return function
    return packed  # type: ignore[no-any-return]


def _call(function: Callable[..., Any], arguments: Any, keywords: Any) -> Any:
    return function(*arguments, **keywords)


def _map(function: Callable[..., Any], items: Iterable[Any]) -> tuple[float, list[Any]]:
    begin = perf_counter()
    results = list(map(function, items))
    return perf_counter() - begin, results


def _starmap(function: Callable[..., Any], items: Iterable[Any]) -> tuple[float, list[Any]]:
    begin = perf_counter()
    results = list(itertools.starmap(function, items))
    return perf_counter() - begin, results


_CHUNKS = {MAP: _map, STARMAP: _starmap}


class Seat:
    """A worker's place in a pool, as an argument of its process."""

    def __init__(self, crew: _engine.Crew, number: int) -> None:
        self._crew: _engine.Crew | None = crew
        self._name = crew._name()
        self.number = number

    def take(self) -> _engine.PoolWorker:
        """In the worker, once."""
        return _engine.PoolWorker(self._name, self.number)

    def __getstate__(self) -> tuple[Any, ...]:
        place = _family.Place.of(get_spawning_popen())
        assert self._crew is not None
        self._crew._hold_for(place.slot)
        return place, self._name, self.number

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, self._name, self.number = state
        self._crew = None


class _Interrupts:
    """Ctrl-C, which reaches all processes of a terminal, ends the task that it meets, and nothing
    else of a worker: that is for its parent to end."""

    def __init__(self) -> None:
        self.at_work = False
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._heed)

    def _heed(self, number: int, frame: FrameType | None) -> None:
        if self.at_work:
            raise KeyboardInterrupt


def work(
    seat: Seat,
    initializer: Callable[..., object] | None,
    initargs: Iterable[Any],
    maxtasks: int | None,
) -> None:
    """A worker's life."""
    worker = seat.take()
    if initializer is not None:
        try:
            initializer(*initargs)
        except BaseException as exception:
            worker.tell(InitializerFailed(repr(exception), traceback.format_exc()))
            sys.exit(1)
    interrupts = _Interrupts()
    completed = 0
    while maxtasks is None or completed < maxtasks:
        try:
            number, task = worker.take()
        except Exception as exception:
            if worker.number is not None:  # the task cannot be unpickled here
                _fail(worker, worker.number, exception)
                continue
            if not isinstance(exception, EOFError):
                raise
            util.debug("worker got sentinel -- exiting")
            break
        try:
            interrupts.at_work = True
            _do(worker, number, task)
            interrupts.at_work = False
        except BaseException as exception:
            interrupts.at_work = False
            if worker.number is not None:
                _fail(worker, number, exception)
        del task
        completed += 1
    else:
        worker.tell(NoticeOfLeave(seat.number))
    util.debug(f"worker exiting after {completed} tasks")


def _do(worker: _engine.PoolWorker, number: int, task: Task) -> None:
    packed, way, arguments, keywords = task
    function = unpack(packed)
    if way == CALL:
        if type(arguments) is not tuple or type(keywords) is not dict:
            arguments, keywords, function = (function, arguments, keywords), {}, _call
        unsent = worker.run(number, function, arguments, keywords)
    else:
        unsent = worker.run(number, _CHUNKS[way], (function, arguments), {})
    if unsent is not None:
        error, result = unsent
        _answer_unsent(worker, number, error, result if way == CALL else result[1])


def _fail(worker: _engine.PoolWorker, number: int, exception: BaseException) -> None:
    """Answers with an exception, and with its traceback as text."""
    told = ExceptionWithTraceback(exception, exception.__traceback__)
    try:
        worker.answer(number, False, told)
    except Exception as error:
        _answer_unsent(worker, number, error, told)


def _answer_unsent(
    worker: _engine.PoolWorker, number: int, error: BaseException, value: Any
) -> None:
    told = MaybeEncodingError(error, value)
    util.debug(f"Possible encoding error while sending result: {told}")
    worker.answer(number, False, told)
