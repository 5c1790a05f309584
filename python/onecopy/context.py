"""Contexts: stock's, with processes, queues and pipes of the engine.

There is one start method in a process: what is set here is set for the stock package too, and the
other way round, because the state lives in the stock default context.
"""

from __future__ import annotations

from multiprocessing import context as _stock
from multiprocessing.context import (  # noqa: F401
    AuthenticationError,
    BaseContext,
    BufferTooShort,
    ProcessError,
    TimeoutError,
    assert_spawning,
    get_spawning_popen,
    set_spawning_popen,
)

from . import _names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from multiprocessing import connection, managers, pool, process, queues, synchronize
    from typing import Any, Callable

    from ._processors import Cpus

__all__ = ()

__getattr__ = _names.names_of(_stock, __name__)


class _OnEngine(BaseContext):
    """What every context of Onecopy has of its own; all else is inherited from the stock one."""

    def Queue(self, maxsize: int = 0) -> queues.Queue[Any]:
        """A queue for any number of putters and getters. `maxsize` is in objects; 0: bounded by
        memory. OSError: there are too many queues. MemoryError names the limit."""
        from .queues import Queue

        queue: Any = Queue(maxsize, ctx=self.get_context())
        return queue  # type: ignore[no-any-return]

    def JoinableQueue(self, maxsize: int = 0) -> queues.JoinableQueue[Any]:
        """A queue (see `Queue`) that also counts the objects put and not yet reported by
        `task_done`."""
        from .queues import JoinableQueue

        queue: Any = JoinableQueue(maxsize, ctx=self.get_context())
        return queue  # type: ignore[no-any-return]

    def SimpleQueue(self) -> queues.SimpleQueue[Any]:
        """A queue (see `Queue`) with `put`, `get`, `empty` and `close`."""
        from .queues import SimpleQueue

        queue: Any = SimpleQueue(ctx=self.get_context())
        return queue  # type: ignore[no-any-return]

    def Pipe(
        self, duplex: bool = True
    ) -> tuple[connection.Connection[Any, Any], connection.Connection[Any, Any]]:
        """The two ends of a pipe; with `duplex` false the first only receives, the second only
        sends. OSError: no descriptors are left. MemoryError names the limit."""
        from .connection import Pipe

        return Pipe(duplex)

    def Pool(
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        *,
        cpus: Cpus | None = None,
    ) -> pool.Pool:
        """Worker processes that do tasks; see onecopy.pool.Pool."""
        from .pool import Pool

        context = self.get_context()
        return Pool(processes, initializer, initargs, maxtasksperchild, context, cpus=cpus)

    def Lock(self) -> synchronize.Lock:
        """A lock that any process may release; a holder that is killed releases it."""
        from .synchronize import Lock

        return Lock(ctx=self.get_context())

    def RLock(self) -> synchronize.RLock:
        """A lock that its holder may take again; a holder that is killed releases it."""
        from .synchronize import RLock

        return RLock(ctx=self.get_context())

    def Semaphore(self, value: int = 1) -> synchronize.Semaphore:
        """`value` units to take and give back; what `with` took comes back when its process is
        killed. OSError: there can be no such number of them."""
        from .synchronize import Semaphore

        return Semaphore(value, ctx=self.get_context())

    def BoundedSemaphore(self, value: int = 1) -> synchronize.BoundedSemaphore:
        """A semaphore of never more than `value` units; those of a killed process come back.
        OSError: there can be no such number of them."""
        from .synchronize import BoundedSemaphore

        return BoundedSemaphore(value, ctx=self.get_context())

    def Condition(self, lock: Any = None) -> synchronize.Condition:
        """Processes that wait to be notified, over a lock; where none is given, over an RLock."""
        from .synchronize import Condition

        condition: synchronize.Condition = Condition(lock, ctx=self.get_context())
        return condition

    def Event(self) -> synchronize.Event:
        """A flag that any process may set and clear, and wait for."""
        from .synchronize import Event

        return Event(ctx=self.get_context())

    def Barrier(
        self,
        parties: int,
        action: Callable[[], object] | None = None,
        timeout: float | None = None,
    ) -> synchronize.Barrier:
        """Where processes wait until `parties` have come, of whom the last calls `action`; for
        `timeout` seconds at most (None: as long as it takes). One that is late, or is killed there,
        breaks it: threading.BrokenBarrierError."""
        from .synchronize import Barrier

        return Barrier(parties, action, timeout, ctx=self.get_context())

    def RawValue(self, typecode_or_type: Any, *args: Any) -> Any:
        """A ctypes object in shared memory, without a lock: of a code of array.array or "c", or of
        a ctypes type; `args` go to its constructor. MemoryError names the limit."""
        from .sharedctypes import RawValue

        return RawValue(typecode_or_type, *args)

    def RawArray(self, typecode_or_type: Any, size_or_initializer: Any) -> Any:
        """A ctypes array in shared memory, without a lock: of elements of a code of array.array or
        "c", or of a ctypes type; so many of them, all zero, or those of a sequence. MemoryError
        names the limit."""
        from .sharedctypes import RawArray

        return RawArray(typecode_or_type, size_or_initializer)

    def Value(self, typecode_or_type: Any, *args: Any, lock: Any = True) -> Any:
        """A ctypes object in shared memory (see `RawValue`) behind a lock: a new RLock, or `lock`;
        with `lock` false, none."""
        from .sharedctypes import Value

        return Value(typecode_or_type, *args, lock=lock, ctx=self.get_context())

    def Array(self, typecode_or_type: Any, size_or_initializer: Any, *, lock: Any = True) -> Any:
        """A ctypes array in shared memory (see `RawArray`) behind a lock: a new RLock, or `lock`;
        with `lock` false, none."""
        from .sharedctypes import Array

        return Array(typecode_or_type, size_or_initializer, lock=lock, ctx=self.get_context())

    def Manager(self) -> managers.SyncManager:
        """A process that keeps objects for others, started, and the way to have it make them."""
        from .managers import SyncManager

        manager: managers.SyncManager = SyncManager(ctx=self.get_context())
        manager.start()
        return manager

    def get_context(self, method: str | None = None) -> Any:
        """The context of a start method; where none is named, this one, or the one that stands
        behind the default from now on. ValueError: no such method."""
        return super().get_context(None) if method is None else _concrete(method)


class ForkProcess(_stock.ForkProcess):
    """A process that starts as a copy of this one."""

    @staticmethod
    def _Popen(process_obj: process.BaseProcess) -> Any:
        from .popen_fork import Popen

        return Popen(process_obj)


class SpawnProcess(_stock.SpawnProcess):
    """A process that starts in a fresh interpreter."""

    @staticmethod
    def _Popen(process_obj: process.BaseProcess) -> Any:
        from .popen_spawn_posix import Popen

        return Popen(process_obj)


class ForkServerProcess(_stock.ForkServerProcess):
    """A process that is forked from a clean template."""

    @staticmethod
    def _Popen(process_obj: process.BaseProcess) -> Any:
        from .popen_forkserver import Popen

        return Popen(process_obj)


class Process(_stock.Process):
    """A process of the default context: started by whatever method is set when it starts."""

    @staticmethod
    def _Popen(process_obj: process.BaseProcess) -> Any:
        return _default_context.get_context().Process._Popen(process_obj)


class ForkContext(_OnEngine, _stock.ForkContext):
    Process = ForkProcess


class SpawnContext(_OnEngine, _stock.SpawnContext):
    Process = SpawnProcess


class ForkServerContext(_OnEngine, _stock.ForkServerContext):
    Process = ForkServerProcess


_stock_state: Any = _stock

_concrete_contexts: dict[str, BaseContext] = {
    "fork": ForkContext(),
    "spawn": SpawnContext(),
    "forkserver": ForkServerContext(),
}


def _concrete(method: str) -> BaseContext:
    # Other packages enter contexts of their own into stock's table.
    context = _concrete_contexts.get(method) or _stock_state._concrete_contexts.get(method)
    if context is None:
        raise ValueError(f"cannot find context for {method!r}")
    context._check_available()
    return context


def _ours(context: BaseContext | None) -> BaseContext | None:
    """Onecopy's context of the same start method; a context of somebody else's stays itself."""
    if context is None:
        return None
    return _concrete_contexts.get(context.get_start_method(), context)


_state: Any = _stock_state._default_context


class DefaultContext(_OnEngine, _stock.DefaultContext):
    """The context behind the names of the package itself."""

    Process = Process

    def __init__(self) -> None:
        pass  # its two attributes are those of the stock default context

    def freeze_support(self) -> None:
        """First in the main module of a frozen program: does what a child is started for, if this
        is one. What freezes programs puts its own into the stock package."""
        import multiprocessing

        multiprocessing.freeze_support()

    @property
    def _default_context(self) -> BaseContext | None:
        return _ours(_state._default_context)

    @property
    def _actual_context(self) -> BaseContext | None:
        return _ours(_state._actual_context)

    @_actual_context.setter
    def _actual_context(self, context: BaseContext | None) -> None:
        if context is not None:
            context = _stock_state._concrete_contexts.get(context.get_start_method(), context)
        _state._actual_context = context


_default_context = DefaultContext()


def _force_start_method(method: str) -> None:
    _default_context._actual_context = _concrete_contexts[method]
