"""Locks, semaphores, conditions, events and barriers: alive after the death of who uses them.

They are the engine's; the classes derive from those of multiprocessing.synchronize.
"""

from __future__ import annotations

import os
from multiprocessing import synchronize as _stock
from multiprocessing.context import assert_spawning, get_spawning_popen
from multiprocessing.util import Finalize, register_after_fork

from . import _engine, _family, _names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.context import BaseContext
    from typing import Any, Callable

    from typing_extensions import Self

__all__ = ["Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event"]

__getattr__ = _names.names_of(_stock, __name__)


def _leave_locks_held_at_exit() -> None:
    """Who ends in the usual way leaves its locks held, as under stock; who is killed does not. Not
    before children have been joined, which may wait for locks that threads of ours hold until then.
    """
    Finalize(None, _engine.leave_locks_held, exitpriority=-100)


_leave_locks_held_at_exit()
os.register_at_fork(after_in_child=_engine.keeping_interrupts(_leave_locks_held_at_exit))


class _OnEngine:
    """What locks and semaphores have in common. Stock's classes reach for what they stand on by the
    name `_semlock`, which is the lock itself here."""

    _is_fork_ctx = False  # stock's: may be given to processes of any start method

    @property
    def _semlock(self) -> Self:
        return self


class _LockBase(_OnEngine, _engine.Lock, _stock.SemLock):
    """What the two kinds of lock have in common."""

    _recursive = False

    def __init__(self, *, ctx: BaseContext) -> None:
        _family.join()
        _engine.Lock.__init__(self, self._recursive)
        register_after_fork(self, _engine.Lock._after_fork)

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


class Semaphore(_OnEngine, _engine.Semaphore, _stock.Semaphore):
    """Units that any process and thread may take, and any may give back.

    What `with` took comes back when its process is killed; what `acquire` took does not, since
    semaphores are used for signalling too.
    """

    _bounded = False

    def __init__(self, value: int = 1, *, ctx: BaseContext) -> None:
        _family.join()
        _engine.Semaphore.__init__(self, value, self._bounded)
        register_after_fork(self, _engine.Semaphore._after_fork)

    def __reduce__(self) -> tuple[Any, ...]:
        assert_spawning(self)
        place = _family.Place.of(get_spawning_popen())
        self._hold_for(place.slot)
        return _open_semaphore, (place, type(self), *self._name())


def _open_semaphore(place: None, cls: type[Semaphore], block: int, time: int) -> Semaphore:
    semaphore = cls._open(block, time)
    register_after_fork(semaphore, _engine.Semaphore._after_fork)
    return semaphore


class BoundedSemaphore(Semaphore, _stock.BoundedSemaphore):
    """A semaphore that never has more units than it was made with. All that a process took come
    back when it is killed: the next waiter has one within 100 ms."""

    _bounded = True


def _hold_for_child(synchronizer: Condition | Event | Barrier) -> _family.Place:
    """The place of the child that is being started, which holds it from now on."""
    if get_spawning_popen() is None:
        # In stock's words: its events and barriers stand on a Condition, which refuses.
        raise RuntimeError(
            "Condition objects should only be shared between processes through inheritance"
        )
    place = _family.Place.of(get_spawning_popen())
    synchronizer._hold_for(place.slot)
    return place


class Condition(_engine.Condition, _stock.Condition):
    """Processes that wait to be notified, over a Lock or an RLock.

    A waiter that is killed is no ghost: it holds nobody up, and what it was notified of goes to the
    next. Over a lock that is none of Onecopy's this is stock's condition.
    """

    def __new__(cls, lock: Any = None, *, ctx: BaseContext) -> Any:
        if lock and not isinstance(lock, _LockBase):
            return _stock.Condition(lock, ctx=ctx)
        return super().__new__(cls)

    def __init__(self, lock: Any = None, *, ctx: BaseContext) -> None:
        _family.join()
        _engine.Condition.__init__(self, lock or RLock(ctx=ctx))
        self._make_methods()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self._lock}, {self._waiting()})>"

    def __reduce__(self) -> tuple[Any, ...]:
        place = _hold_for_child(self)
        return _open_condition, (place, type(self), self._lock, *self._name())

    _make_methods: Callable[[], None]


def _open_condition(
    place: None, cls: type[Condition], lock: _engine.Lock, block: int, time: int
) -> Condition:
    condition = cls._open(lock, block, time)
    condition._make_methods()
    return condition


class Event(_engine.Event, _stock.Event):
    """A flag that is set and cleared by any process, and waited for."""

    def __init__(self, *, ctx: BaseContext) -> None:
        _family.join()
        _engine.Event.__init__(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _open_event, (_hold_for_child(self), type(self), *self._name())


def _open_event(place: None, cls: type[Event], block: int, time: int) -> Event:
    return cls._open(block, time)


class Barrier(_engine.Barrier, _stock.Barrier):
    """Where processes wait until as many as `parties` have come.

    One that is killed while it waits, or while it runs the action, breaks it.
    """

    def __init__(
        self,
        parties: int,
        action: Callable[[], object] | None = None,
        timeout: float | None = None,
        *,
        ctx: BaseContext,
    ) -> None:
        _family.join()
        _engine.Barrier.__init__(self, _enough(parties))
        self._keep(parties, action, timeout)

    def _keep(
        self, parties: int, action: Callable[[], object] | None, timeout: float | None
    ) -> None:
        self._parties, self._action, self._timeout = parties, action, timeout

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the others; which of them this is, from 0 on. threading.BrokenBarrierError."""
        return self._pass(self._timeout if timeout is None else timeout, self._action)

    def __reduce__(self) -> tuple[Any, ...]:
        place = _hold_for_child(self)
        kept = self._parties, self._action, self._timeout
        return _open_barrier, (place, type(self), kept, *self._name())


def _enough(parties: object) -> int:
    """How many are enough; 0 where no number is: stock takes anything, and compares."""
    try:
        number = int(parties)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        return 0
    return number if number == parties and 0 < number < 2**32 else 0


def _open_barrier(
    place: None, cls: type[Barrier], kept: tuple[Any, ...], block: int, time: int
) -> Barrier:
    barrier = cls._open(block, time)
    barrier._keep(*kept)
    return barrier
