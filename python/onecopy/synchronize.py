"""Locks: alive after the death of their holder.

Lock and RLock are the engine's; the rest is stock's, standing on them. The classes derive from
those of multiprocessing.synchronize.
"""

from __future__ import annotations

import os
from multiprocessing import synchronize as _stock
from multiprocessing.context import assert_spawning, get_spawning_popen
from multiprocessing.synchronize import (
    BoundedSemaphore,
    Condition,
    Event,
    Semaphore,
)
from multiprocessing.util import Finalize, register_after_fork

from . import _engine, _family, _names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.context import BaseContext
    from typing import Any

    from typing_extensions import Self

__all__ = ["Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event"]

__getattr__ = _names.names_of(_stock, __name__)


def _leave_locks_held_at_exit() -> None:
    """Who ends in the usual way leaves its locks held, as under stock; who is killed does not. Not
    before children have been joined, which may wait for locks that threads of ours hold until then.
    """
    Finalize(None, _engine.leave_locks_held, exitpriority=-100)


_leave_locks_held_at_exit()
os.register_at_fork(after_in_child=_leave_locks_held_at_exit)


class _LockBase(_engine.Lock, _stock.SemLock):
    """What the two kinds have in common. Stock's classes reach for what they stand on by the name
    `_semlock`, which is the lock itself here."""

    _recursive = False
    _is_fork_ctx = False  # stock's: may be given to processes of any start method

    def __init__(self, *, ctx: BaseContext) -> None:
        _family.join()
        _engine.Lock.__init__(self, self._recursive)
        register_after_fork(self, _engine.Lock._after_fork)

    @property
    def _semlock(self) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        assert_spawning(self)
        place = _family.Place.of(get_spawning_popen())
        self._hold_for(place.slot)
        return _open, (place, type(self), *self._name())


def _open(place: None, cls: type[_LockBase], block: int, time: int) -> _LockBase:
    lock = cls._open(cls._recursive, block, time)
    register_after_fork(lock, _engine.Lock._after_fork)
    return lock


class Lock(_LockBase, _stock.Lock):
    """A lock that any process and thread may release, not only the one that took it.

    A holder that is killed releases it: the next waiter has it within 100 ms.
    """


class RLock(_LockBase, _stock.RLock):
    """A lock that its holder, one thread of one process, may take again, and that it alone may
    release. A holder that is killed releases it."""

    _recursive = True
