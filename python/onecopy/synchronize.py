"""Locks, semaphores, conditions, events and barriers: alive after the death of who uses them.

They are the engine's; the classes derive from those of multiprocessing.synchronize.
"""

from __future__ import annotations

import os
from multiprocessing import synchronize as _stock
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

    _name: Callable[[], tuple[int, int]]
    _hold_for: Callable[[int], None]

    @property
    def _semlock(self) -> Self:
        return self

    def __getstate__(self) -> tuple[Any, ...]:
        return _family.hold_for_receiver(self, type(self).__name__), *self._name()


class _LockBase(_OnEngine, _engine.Lock, _stock.SemLock):
    """What the two kinds of lock have in common."""

    _recursive = False

    def __init__(self, *, ctx: BaseContext) -> None:
        _family.join()
        _engine.Lock.__init__(self, self._recursive)
        register_after_fork(self, _engine.Lock._after_fork)

    def __setstate__(self, state: tuple[Any, int, int]) -> None:
        _hold, block, time = state
        self._open(self._recursive, block, time)
        register_after_fork(self, _engine.Lock._after_fork)


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

    def __setstate__(self, state: tuple[Any, int, int]) -> None:
        _hold, block, time = state
        self._open(block, time)
        register_after_fork(self, _engine.Semaphore._after_fork)


class BoundedSemaphore(Semaphore, _stock.BoundedSemaphore):
    """A semaphore that never has more units than it was made with. All that a process took come
    back when it is killed: the next waiter has one within 100 ms."""

    _bounded = True


class Condition(_engine.Condition, _stock.Condition):
    """Processes that wait to be notified, over a Lock or an RLock.

    A waiter that is killed is no ghost: it holds nobody up, and what it was notified of goes to the
    next. Over a lock that is none of Onecopy's this is stock's condition.
    """

    def __new__(cls, lock: Any = None, *, ctx: Any = None) -> Any:
        if lock and not isinstance(lock, _LockBase):
            return _stock.Condition(lock, ctx=ctx)
        return super().__new__(cls)

    def __init__(self, lock: Any = None, *, ctx: BaseContext) -> None:
        _family.join()
        _engine.Condition.__init__(self, lock or RLock(ctx=ctx))
        self._make_methods()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self._lock}, {self._waiting()})>"

    def __getstate__(self) -> tuple[Any, ...]:
        return _family.hold_for_receiver(self, "Condition"), self._lock, *self._name()

    def __setstate__(self, state: tuple[Any, _engine.Lock, int, int]) -> None:
        _hold, lock, block, time = state
        self._open(lock, block, time)
        self._make_methods()

    _make_methods: Callable[[], None]


class Event(_engine.Event, _stock.Event):
    """A flag that is set and cleared by any process, and waited for."""

    def __init__(self, *, ctx: BaseContext) -> None:
        _family.join()
        _engine.Event.__init__(self)

    def __getstate__(self) -> tuple[Any, ...]:
        # Stock's events and barriers stand on a Condition, which refuses.
        return _family.hold_for_receiver(self, "Condition"), *self._name(), self.__dict__

    def __setstate__(self, state: tuple[Any, int, int, dict[str, Any]]) -> None:
        _hold, block, time, attributes = state
        self._open(block, time)
        self.__dict__.update(attributes)


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

    def __getstate__(self) -> tuple[Any, ...]:
        hold = _family.hold_for_receiver(self, "Condition")
        return hold, *self._name(), (self._parties, self._action, self._timeout)

    def __setstate__(self, state: tuple[Any, int, int, tuple[Any, Any, Any]]) -> None:
        _hold, block, time, kept = state
        self._open(block, time)
        self._keep(*kept)


def _enough(parties: object) -> int:
    """How many are enough; 0 where no number is: stock takes anything, and compares."""
    try:
        number = int(parties)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        return 0
    return number if number == parties and 0 < number < 2**32 else 0
