"""What a pool gives back for a call that is not waited for: a result that will come.

They descend from stock's, by which other packages know them. Nothing fills them in but the threads
that wait for something of the same pool (_pool_dispatch.py).
"""

from __future__ import annotations

import sys
import threading
from itertools import islice
from multiprocessing import pool as _stock
from multiprocessing.context import ProcessError, TimeoutError

from . import _engine
from ._pool_packing import call_packed, describe_call, name_of, pack, pack_by_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from ._pool_common import Commons
    from ._pool_dispatch import Dispatcher
    from ._pool_limits import Limits
    from ._pool_packing import Packed, Task
    from ._pool_tasks import Entry
    from .pool import Pool

    Callback = Callable[[Any], object]

_CHUNK_TIME = 0.004  # seconds, if there are enough items for all workers
_LEAST_TIME = 0.0004  # seconds; next to it what sending a chunk and its answer costs is little
_AHEAD = 2  # chunks of each worker that are sent and not answered
_GROWTH = 16  # from one chunk to the next, while how long one takes is not known
_AT_ONCE = 256  # chunks of a given size that are made before they are sent


class ApplyResult(_stock.ApplyResult):  # type: ignore[type-arg]
    """The result of `apply_async`, when it is there. `get`, `wait`, `ready` and `successful` are as
    stock's; `get` raises ProcessError where the pool was terminated before."""

    def __init__(
        self, pool: Pool, callback: Callback | None, error_callback: Callback | None
    ) -> None:
        self._pool: Pool | None = pool
        self._dispatcher: Dispatcher = pool._dispatcher
        self._job = next(_stock.job_counter)  # type: ignore[attr-defined]
        self._cache = pool._cache
        self._callback = callback
        self._error_callback = error_callback
        self._is_done = False
        self._success = True
        self._value: Any = None
        self._name = ""  # of the function
        self.when_terminated: Callable[[], object] | None = None

    def _register(self) -> None:
        """From now on it may be told answers, and that there will be none: all of it is there."""
        if self._callback or self._error_callback:
            self._dispatcher.lead_in_a_thread()
        self._cache[self._job] = self

    def ready(self) -> bool:
        if not self._is_done:
            self._dispatcher.poll()
        return self._is_done

    def successful(self) -> bool:
        if not self.ready():
            raise ValueError(f"{self!r} not ready")
        return self._success

    def wait(self, timeout: float | None = None) -> None:
        if not self._is_done:
            self._dispatcher.wait(self._has_come, timeout)

    def get(self, timeout: float | None = None) -> Any:
        self.wait(timeout)
        if not self._is_done:
            if self._dispatcher.ended:
                raise ProcessError("the pool was terminated before this was done")
            raise TimeoutError
        if self._success:
            return self._value
        raise self._value

    def _has_come(self) -> bool:
        return self._is_done

    def _finish(self, success: bool, value: Any) -> None:
        """May be called again, where a signal handler raised the first time, or another thread had
        the pool broken: the first outcome is that of all."""
        self._success, self._value = success, value = self.__dict__.setdefault(
            "_outcome", (success, value)
        )
        callback = self._callback if success else self._error_callback
        self._callback = self._error_callback = None
        if callback:
            self._dispatcher.call_back(callback, value, self._close)
        else:
            self._close()

    def _close(self) -> None:
        self._is_done = True
        self._pool = None
        self._cache.pop(self._job, None)

    def send(
        self, function: Callable[..., Any], arguments: Any, keywords: Any, limits: Limits
    ) -> None:
        self._name = name_of(function)
        self._register()
        try:
            packed = pack(function, 1)
            try:
                self._submit(packed, arguments, keywords, limits)
            except Exception:
                by_value = pack_by_value(function) if packed is function else None
                if by_value is None:
                    raise
                self._submit(by_value, arguments, keywords, limits)
        except Exception as exception:
            self._finish(False, exception)
        except BaseException:
            self._cache.pop(self._job, None)
            raise

    def _submit(self, packed: Packed, arguments: Any, keywords: Any, limits: Limits) -> None:
        if type(arguments) is not tuple or type(keywords) is not dict:
            arguments, keywords = (packed, arguments, keywords), {}
            packed = pack(call_packed, 1)
        task = packed, _engine.CALL, arguments, keywords
        self._dispatcher.submit(task, (self, None, limits.of(task, 1)))

    def answered(self, key: Any, success: bool, value: Any, nanoseconds: int) -> None:
        if not self._is_done:
            self._finish(success, value)

    def describe(self, key: Any) -> str:
        return self._name

    def terminated(self) -> None:
        if self.when_terminated is not None:
            self.when_terminated()

    def fail(self, exception: BaseException) -> None:
        if not self._is_done:
            self._finish(False, exception)


class MapResult(ApplyResult, _stock.MapResult):  # type: ignore[type-arg]
    """The results of `map_async`, when all are there, in order; or the first exception, when no
    task is left that is not done.

    Items are sent in chunks, of `chunksize` where that is given. Where it is not, and somebody
    waits, as many are sent as keep the workers busy, each as large as it takes for what sending
    costs to be little beside the work, and small towards the end, so that all end together.
    """

    def __init__(
        self,
        pool: Pool,
        function: Callable[..., Any],
        items: Any,
        way: int,
        chunksize: int | None,
        limits: Limits,
        callback: Callback | None = None,
        error_callback: Callback | None = None,
        tell_progress: Callable[[int], object] | None = None,
    ) -> None:
        """`tell_progress` is told of each chunk that is done how many items it had."""
        self._length = length = len(items)
        self._items = iter(items)
        super().__init__(pool, callback, error_callback)
        self._way = way
        self._chunksize = chunksize or 0
        self._limits = limits
        self._name = name_of(function)
        self._tell_progress = tell_progress
        self._value = [None] * length
        self._next = 0  # number of the item to be sent
        self._open: dict[int, int] = {}  # chunks that were sent and not answered: begin and end
        self._failure: BaseException | None = None
        self._pace = 0.0  # seconds an item; 0: not known
        self._largest = 1
        self._feeding = threading.RLock()
        self._function: Packed = pack(function, 2)
        self._commons = _commons_of(items)
        self._register()
        if length == 0:
            self._callback = None  # as under stock
            self._finish(True, [])
        else:
            self._feed()

    @property
    def _number_left(self) -> int:
        """Chunks, for programs that look at it to show how far it is."""
        return len(self._open) + -(
            -(self._length - self._next) // (self._chunksize or self._length)
        )

    def _feed(self) -> None:
        """Sends the chunks that may be sent now."""
        try:
            while True:
                tasks: list[Task] = []
                entries: list[Entry] = []
                unread = self._collect(tasks, entries)
                if entries:
                    self._dispatcher.submit_all(tasks, entries)
                if unread is not None:
                    self.answered(*unread)
                elif not entries:
                    return
        except BaseException as exception:
            self.fail(exception)
            raise

    def _collect(self, tasks: list[Task], entries: list[Entry]) -> tuple[Any, ...] | None:
        """The next chunks; what is to be told of one whose items cannot be got."""
        with self._feeding:
            room = _AT_ONCE
            if not self._chunksize:
                room = _AHEAD * self._dispatcher.seats - len(self._open)
            while len(entries) < room and self._next < self._length:
                begin = self._next
                end = min(begin + self._chunk_length(), self._length)
                # In this order: it is not to look as if all were answered.
                self._open[begin] = end
                self._next = end
                try:
                    items = tuple(islice(self._items, end - begin))
                except Exception as exception:
                    return begin, False, exception, 0
                commons = self._commons
                if commons is not None:
                    items = commons.in_task(begin, items)
                    if self._next == self._length:
                        self._commons = None  # what stands for arrays goes with the last task
                task = self._function, self._way, items, None
                tasks.append(task)
                entries.append((self, begin, self._limits.of(task, end - begin)))
        return None

    def _chunk_length(self) -> int:
        if self._chunksize:
            return self._chunksize
        share = (self._length - self._next) / (3 * self._dispatcher.seats)
        if self._pace:
            share = min(max(share, _LEAST_TIME / self._pace), _CHUNK_TIME / self._pace)
        return max(1, int(min(share, self._largest)))

    def answered(self, begin: int, success: bool, value: Any, nanoseconds: int) -> None:
        end = self._open.get(begin)
        if end is not None:
            if not success:
                self._failure = self._failure or value
            elif not self._is_done:
                self._value[begin:end] = value
                if not self._chunksize:
                    self._learn(end - begin, nanoseconds)
            self._open.pop(begin, None)
            if self._tell_progress is not None:
                self._tell_progress(end - begin)
        if self._next < self._length:
            self._feed()
        elif not self._open and not self._is_done:
            failure = self._failure
            self._finish(failure is None, self._value if failure is None else failure)

    def describe(self, begin: int) -> str:
        return describe_call(self._name, begin, self._open.get(begin, self._length))

    def _learn(self, count: int, nanoseconds: int) -> None:
        self._pace = max(nanoseconds * 1e-9 / count, 1e-9)
        self._largest = max(self._largest, count * _GROWTH)

    def fail(self, exception: BaseException) -> None:
        with self._feeding:
            self._next = self._length
            self._open.clear()
            self._commons = None
        if not self._is_done:
            self._finish(False, exception)


def _commons_of(items: Any) -> Commons | None:
    """For a list of items that have large arrays, going by the first. (What has to make its items
    does not keep them.)"""
    if "numpy" not in sys.modules or type(items) not in (list, tuple) or len(items) < 2:
        return None
    from ._pool_common import Commons, is_large

    return Commons() if is_large(items[0]) else None
