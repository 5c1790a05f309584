"""What the worker of a pool does: it takes tasks, one at a time, and answers each."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from contextlib import suppress
from multiprocessing import util
from multiprocessing.context import get_spawning_popen
from multiprocessing.pool import (  # type: ignore[attr-defined]
    ExceptionWithTraceback,
    MaybeEncodingError,
)
from types import FrameType

from . import _engine, _family
from ._pool_packing import unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Callable


class NoticeOfLeave:
    """What a worker tells that has done as many tasks as it may."""

    def __init__(self, seat: int, pid: int) -> None:
        self.seat = seat
        self.pid = pid


class InitializerFailed:
    """What a worker tells whose initializer raised."""

    def __init__(self, exception: str, traceback: str) -> None:
        self.exception = exception
        self.traceback = traceback


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


def _end_only_tasks_by_interrupts(worker: _engine.PoolWorker) -> None:
    """Ctrl-C, which reaches all processes of a terminal, ends the task that it meets, and nothing
    else of a worker: that is for its parent to end."""

    def heed(number: int, frame: FrameType | None) -> None:
        if worker.at_work:
            raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, heed)


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
    _end_only_tasks_by_interrupts(worker)

    def fail(number: int, exception: BaseException) -> None:
        if exception.__traceback__ is None:  # raised by no function of Python
            with suppress(type(exception)):
                raise exception
        # With its traceback as text.
        told = ExceptionWithTraceback(exception, exception.__traceback__)
        try:
            worker.answer(number, False, told)
        except Exception as error:
            answer_unsent(number, error, told)

    def answer_unsent(number: int, error: BaseException, value: Any) -> None:
        told = MaybeEncodingError(error, value)
        util.debug(f"Possible encoding error while sending result: {told}")
        worker.answer(number, False, told)

    completed = worker.serve(unpack, fail, answer_unsent, maxtasks)
    if completed == maxtasks:
        worker.tell(NoticeOfLeave(seat.number, os.getpid()))
    else:
        util.debug("worker got sentinel -- exiting")
    util.debug(f"worker exiting after {completed} tasks")
