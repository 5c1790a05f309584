"""What the calls of a pool give back: results that will come, of one task or of many.

They descend from stock's, by which other packages know them. Nothing fills them in but the threads
that wait for something of the same pool (_pool_dispatch.py).
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from itertools import islice
from multiprocessing import pool as _stock
from multiprocessing.context import ProcessError, TimeoutError

from ._pool_worker import CALL, MAP, pack, pack_by_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Callable

    from ._pool_dispatch import Dispatcher
    from ._pool_limits import Limits
    from ._pool_worker import Packed, Task
    from .pool import Pool

    Callback = Callable[[Any], object]

_CHUNK_TIME = 0.004  # seconds, if there are enough items for all workers
_LEAST_TIME = 0.0004  # seconds; next to it what sending a chunk and its answer costs is little
_AHEAD = 2  # chunks of each worker that are sent and not answered
_GROWTH = 16  # from one chunk to the next, while how long one takes is not known


def _call_back(callback: Callback, value: Any) -> None:
    try:
        callback(value)
    except BaseException:
        sys.excepthook(*sys.exc_info())


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
        if self._cache.pop(self._job, None) is None:
            return  # it is done already: the pool was broken, say, and then a worker answered
        self._success, self._value = success, value
        callback = self._callback if success else self._error_callback
        if callback:
            _call_back(callback, value)
        self._is_done = True
        self._pool = None

    def send(
        self, function: Callable[..., Any], arguments: Any, keywords: Any, limits: Limits
    ) -> None:
        self._register()
        try:
            packed = pack(function, 1)
            try:
                self._submit((packed, CALL, arguments, keywords), limits)
            except Exception:
                by_value = pack_by_value(function) if packed is function else None
                if by_value is None:
                    raise
                self._submit((by_value, CALL, arguments, keywords), limits)
        except Exception as exception:
            self._finish(False, exception)
        except BaseException:
            self._cache.pop(self._job, None)
            raise

    def _submit(self, task: Task, limits: Limits) -> None:
        self._dispatcher.submit(self, None, task, limits.of(task, 1))

    def answered(self, key: Any, success: bool, value: Any) -> None:
        self._finish(success, value)

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
        way: str,
        chunksize: int | None,
        limits: Limits,
        callback: Callback | None = None,
        error_callback: Callback | None = None,
    ) -> None:
        self._length = length = len(items)
        self._items = iter(items)
        super().__init__(pool, callback, error_callback)
        self._way = way
        self._chunksize = chunksize or 0
        self._limits = limits
        self._value = [None] * length
        self._next = 0  # number of the item to be sent
        # Chunks; for programs that look at it to show how far it is.
        self._number_left = -(-length // chunksize) if chunksize else 0
        self._sent = 0  # chunks that are not answered
        self._pace = 0.0  # seconds an item; 0: not known
        self._largest = 1
        self._feeding = threading.RLock()
        self._function: Packed = pack(function, 2)
        self._register()
        if length == 0:
            self._finish(True, [])
        else:
            self._feed()

    def _feed(self) -> None:
        """Sends the chunks that may be sent now."""
        while True:
            try:
                with self._feeding:
                    if self._next == self._length:
                        return
                    if not self._chunksize and self._sent >= _AHEAD * self._dispatcher.seats:
                        return
                    begin = self._next
                    end = self._next = min(begin + self._chunk_length(), self._length)
                    self._sent += 1
                    items = tuple(islice(self._items, end - begin))
                task = self._function, self._way, items, None
                allowance = self._limits.of(task, end - begin)
                self._dispatcher.submit(self, (begin, end), task, allowance)
            except Exception as exception:
                self._account(False, exception)
            except BaseException as exception:
                self.fail(exception)
                raise

    def _chunk_length(self) -> int:
        if self._chunksize:
            return self._chunksize
        share = (self._length - self._next) / (3 * self._dispatcher.seats)
        if self._pace:
            share = min(max(share, _LEAST_TIME / self._pace), _CHUNK_TIME / self._pace)
        return max(1, int(min(share, self._largest)))

    def _learn(self, count: int, seconds: float) -> None:
        self._pace = max(seconds / count, 1e-9)
        self._largest = max(self._largest, count * _GROWTH)

    def answered(self, key: Any, success: bool, value: Any) -> None:
        begin, end = key
        if success and not self._is_done:
            seconds, results = value
            self._value[begin:end] = results
            self._learn(end - begin, seconds)
        self._account(success, value)
        self._feed()

    def _account(self, success: bool, value: Any) -> None:
        """Of one chunk: counts, keeps the first exception, and finishes after the last."""
        with self._feeding:
            if self._is_done:
                return
            if not success and self._success:
                self._success, self._exception = False, value
            self._sent -= 1
            self._number_left -= 1
            if self._sent or self._next != self._length:
                return
        self._finish(self._success, self._value if self._success else self._exception)

    def fail(self, exception: BaseException) -> None:
        with self._feeding:
            if self._is_done:
                return
            self._next = self._length
        self._finish(False, exception)


class ResultIterator(_stock.IMapIterator):  # type: ignore[type-arg]
    """The results of `imap` or `imap_unordered`, each as soon as it is there. Items are taken from
    the iterable, and sent in chunks, as results are asked for: never more than `ahead` chunks that
    were not given out."""

    def __init__(
        self,
        pool: Pool,
        function: Callable[..., Any],
        iterable: Iterable[Any],
        chunksize: int,
        ahead: int,
        limits: Limits,
    ) -> None:
        self._pool: Pool | None = pool
        self._dispatcher: Dispatcher = pool._dispatcher
        self._job = next(_stock.job_counter)  # type: ignore[attr-defined]
        self._cache = pool._cache
        self._iterator: Iterator[Any] | None = iter(iterable)
        self._function: Packed = pack(function, 2)
        self._chunksize = chunksize
        self._ahead = ahead
        self._limits = limits
        self._sent = 0  # chunks; where the iterator has come to its end, how many there are
        self._given = 0  # chunks whose results were given out
        self._arrived = 0
        self._broken: BaseException | None = None
        self._feeding = threading.Lock()
        self._counting = threading.Lock()
        self._cache[self._job] = self
        self._feed(ahead)

    def __iter__(self) -> ResultIterator:
        return self

    def next(self, timeout: float | None = None) -> Any:
        """The next result. TimeoutError where it is not there in so many seconds."""
        outcome = None
        while outcome is None:
            self._feed(self._ahead)
            came = self._dispatcher.wait(self._may_go_on, timeout)
            with self._counting:
                outcome = self._take()
                self._given += outcome is not None
            if not came or not self._may_still_come():
                break  # else another thread has taken it
        if outcome is not None:
            success, value = outcome
            if success:
                return value
            raise value
        if self._broken is not None:
            raise self._broken
        if self._iterator is None and self._given == self._sent:
            raise StopIteration
        if self._dispatcher.ended:
            raise ProcessError("the pool was terminated before this was done")
        raise TimeoutError

    __next__ = next

    def _may_go_on(self) -> bool:
        return self._is_there() or not self._may_still_come()

    def _may_still_come(self) -> bool:
        return self._broken is None and (self._iterator is not None or self._given != self._sent)

    def _is_there(self) -> bool:
        raise NotImplementedError

    def _take(self) -> tuple[bool, Any] | None:
        raise NotImplementedError

    def _put_in(self, number: int, outcome: tuple[bool, Any]) -> None:
        raise NotImplementedError

    def feed_all(self) -> None:
        """Sends what is left, whoever asks for it."""
        self._feed(None)

    def _feed(self, ahead: int | None) -> None:
        # The iterator is the program's, and not to be run by two threads, nor within itself.
        if not self._feeding.acquire(False):
            return
        try:
            while self._iterator is not None and self._broken is None:
                if ahead is not None and self._sent - self._given >= ahead:
                    return
                self._send_next(self._iterator)
        finally:
            self._feeding.release()

    def _send_next(self, iterator: Iterator[Any]) -> None:
        number = self._sent
        try:
            items = tuple(islice(iterator, self._chunksize))
        except Exception as exception:
            self._sent += 1
            self._iterator = None
            self.answered(number, False, exception)
            return
        if not items:
            self._iterator = None
            self._perhaps_finish()
            return
        self._sent += 1
        try:
            task = self._function, MAP, items, None
            self._dispatcher.submit(self, number, task, self._limits.of(task, len(items)))
        except Exception as exception:
            self.answered(number, False, exception)
        except BaseException as exception:
            self.answered(number, False, exception)
            raise

    def answered(self, number: int, success: bool, value: Any) -> None:
        if success:
            _, results = value
            value = results[0] if self._chunksize == 1 else results
        self._put_in(number, (success, value))
        with self._counting:
            self._arrived += 1
        self._perhaps_finish()

    def _perhaps_finish(self) -> None:
        if self._iterator is None and self._arrived == self._sent:
            self._cache.pop(self._job, None)
            self._pool = None

    def fail(self, exception: BaseException) -> None:
        self._broken = exception
        self._cache.pop(self._job, None)
        self._pool = None


class IMapIterator(ResultIterator):
    """The results of `imap`, in order."""

    def __init__(self, *arguments: Any) -> None:
        self._outcomes: dict[int, tuple[bool, Any]] = {}
        super().__init__(*arguments)

    def _is_there(self) -> bool:
        return self._given in self._outcomes

    def _take(self) -> tuple[bool, Any] | None:
        return self._outcomes.pop(self._given, None)

    def _put_in(self, number: int, outcome: tuple[bool, Any]) -> None:
        self._outcomes[number] = outcome


class IMapUnorderedIterator(ResultIterator, _stock.IMapUnorderedIterator):  # type: ignore[type-arg]
    """The results of `imap_unordered`, as they come."""

    def __init__(self, *arguments: Any) -> None:
        self._arrivals: deque[tuple[bool, Any]] = deque()
        super().__init__(*arguments)

    def _is_there(self) -> bool:
        return bool(self._arrivals)

    def _take(self) -> tuple[bool, Any] | None:
        return self._arrivals.popleft() if self._arrivals else None

    def _put_in(self, number: int, outcome: tuple[bool, Any]) -> None:
        self._arrivals.append(outcome)
