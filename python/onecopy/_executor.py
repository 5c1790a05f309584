"""An executor of concurrent.futures on a pool of the engine."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Executor as _Executor
from concurrent.futures import Future
from functools import partial
from itertools import islice
from time import monotonic

from .context import _default_context
from .pool import Pool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Callable

    from ._processors import Cpus

    Call = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...], dict[str, Any]]

_AHEAD = 1  # calls beyond one for each worker that are sent, and cannot be cancelled any more


def _call_each(function: Callable[..., Any], chunk: list[tuple[Any, ...]]) -> list[Any]:
    return [function(*arguments) for arguments in chunk]


class Executor(_Executor):
    """concurrent.futures.ProcessPoolExecutor on the engine: a worker that dies fails the one call
    that it was doing, with WorkerDied (which is a BrokenProcessPool too), and is replaced.

    `max_workers` is how many workers there are (None: one for each processor that may be used);
    each calls `initializer(*initargs)` first, and does `max_tasks_per_child` calls at most (None:
    any number). `cpus` are the processors that they use, as for Pool. ValueError and TypeError for
    what fits none of them.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        mp_context: Any = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        *,
        max_tasks_per_child: int | None = None,
        cpus: Cpus | None = None,
    ) -> None:
        if max_workers is not None and max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        context = mp_context or _default_context.get_context()
        self._pool = Pool(
            max_workers, initializer, initargs, max_tasks_per_child, context, cpus=cpus
        )
        self._most_sent = self._pool._processes + _AHEAD
        self._waiting: deque[Call] = deque()
        self._sent: set[Future[Any]] = set()
        self._lock = threading.RLock()
        self._idle = threading.Condition(self._lock)
        self._shut = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """A future of `fn(*args, **kwargs)`. It can be cancelled until its turn has come.
        RuntimeError after shutdown."""
        future: Future[Any] = Future()
        with self._lock:
            if self._shut:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._waiting.append((future, fn, args, kwargs))
        self._send()
        return future

    def map(
        self,
        fn: Callable[..., Any],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Iterator[Any]:
        """An iterator over `map(fn, *iterables)`, in order. All items are taken at once, or where
        `buffersize` is given as results are asked for, so many chunks ahead. TimeoutError where a
        result is not there `timeout` seconds after the call; ValueError for sizes below 1."""
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if buffersize is not None and buffersize < 1:
            raise ValueError("buffersize must be None or > 0")
        end = None if timeout is None else monotonic() + timeout
        arguments = zip(*iterables)
        chunks = iter(lambda: list(islice(arguments, chunksize)), [])
        ahead = islice(chunks, buffersize)
        futures = deque(self.submit(_call_each, fn, chunk) for chunk in ahead)
        return self._results(fn, chunks, futures, end)

    def _results(
        self,
        fn: Callable[..., Any],
        chunks: Iterator[Any],
        futures: deque[Future[Any]],
        end: float | None,
    ) -> Iterator[Any]:
        try:
            while futures:
                left = None if end is None else max(0.0, end - monotonic())
                results = futures.popleft().result(left)
                for chunk in islice(chunks, 1):
                    futures.append(self.submit(_call_each, fn, chunk))
                yield from results
        finally:
            for future in futures:
                future.cancel()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """No more calls; the workers leave after those that there are. With `cancel_futures` those
        whose turn has not come are cancelled."""
        with self._lock:
            self._shut = True
            if cancel_futures:
                while self._waiting:
                    self._waiting.popleft()[0].cancel()
        self._perhaps_close()
        if wait:
            with self._idle:
                self._idle.wait_for(lambda: not self._sent and not self._waiting)
            self._pool.join()

    def kill_workers(self) -> None:
        """Ends the workers at once; calls that are not done raise WorkerDied."""
        from ._worker_died import WorkerDied

        with self._lock:
            self._shut = True
            undone = [*self._sent, *(call[0] for call in self._waiting)]
            self._waiting.clear()
        self._pool.terminate()
        for future in undone:
            if future.running() or future.set_running_or_notify_cancel():
                self._settle(future, future.set_exception, WorkerDied("the workers were killed"))

    terminate_workers = kill_workers

    def _send(self) -> None:
        """Sends the calls whose turn has come."""
        while True:
            with self._lock:
                if not self._waiting or len(self._sent) >= self._most_sent:
                    break
                future, function, arguments, keywords = self._waiting.popleft()
                if not future.set_running_or_notify_cancel():
                    continue
                self._sent.add(future)
            self._pool.apply_async(
                function,
                arguments,
                keywords,
                partial(self._settle, future, future.set_result),
                partial(self._settle, future, future.set_exception),
            )
        self._perhaps_close()

    def _settle(self, future: Future[Any], settle: Callable[[Any], None], outcome: Any) -> None:
        with self._lock:
            if future not in self._sent and future.done():
                return
            self._sent.discard(future)
        settle(outcome)
        self._send()

    def _perhaps_close(self) -> None:
        with self._idle:
            if self._shut and not self._sent and not self._waiting:
                self._pool.close()
                self._idle.notify_all()
