"""Pools of worker processes: stock's, with tasks and results in shared memory.

A call sends its tasks itself, and whoever waits for a result takes in what the workers answer
(_pool_dispatch.py). A worker that dies takes with it the one task that it was doing, which raises
`onecopy.WorkerDied`; all others are done, by the remaining workers and by the one that replaces it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from contextlib import suppress
from multiprocessing import pool as _stock
from multiprocessing import util
from multiprocessing.context import ProcessError
from multiprocessing.pool import ThreadPool

from . import _memory_kills, _names
from ._engine import MAP, STARMAP
from ._pool_dispatch import Dispatcher
from ._pool_iterators import IMapIterator, IMapUnorderedIterator
from ._pool_limits import Limits
from ._pool_progress import bar
from ._pool_results import ApplyResult, MapResult
from ._pool_streams import AsTheyCome, InOrder, Stream
from ._pool_worker import Seat, work
from ._processors import Placement
from .context import _default_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator
    from multiprocessing.process import BaseProcess
    from typing import Any, Callable

    from ._pool_stats import PoolStats
    from ._processors import Cpus

    Function = Callable[..., Any]
    Callback = Callable[[Any], object]

__all__ = ["Pool", "ThreadPool"]

__getattr__ = _names.names_of(_stock, __name__)

for _result in (ApplyResult, MapResult, IMapIterator, IMapUnorderedIterator):
    _result.__module__ = __name__
AsyncResult = ApplyResult

INIT, RUN, CLOSE, TERMINATE = "INIT", "RUN", "CLOSE", "TERMINATE"


def _check(processes: int, maxtasksperchild: int | None, initializer: object) -> None:
    if processes < 1:
        raise ValueError("Number of processes must be at least 1")
    if maxtasksperchild is not None and (
        not isinstance(maxtasksperchild, int) or maxtasksperchild <= 0
    ):
        raise ValueError("maxtasksperchild must be a positive int or None")
    if initializer is not None and not callable(initializer):
        raise TypeError("initializer must be a callable")


def _check_chunksize(chunksize: int | None) -> None:
    if chunksize is not None and chunksize <= 0:
        raise ValueError(f"Chunksize must be 1+, not {chunksize:n}")


class Pool(_stock.Pool):
    """multiprocessing.pool.Pool on the engine: `processes` workers (None: as many as this process
    may use processors) that do tasks, each after `initializer(*initargs)`, and each no more than
    `maxtasksperchild` (None: as many as there are).

    `cpus` are the processors that the workers run on and no others, by the numbers that
    `os.sched_setaffinity` takes; or a sequence of such sets, one for each worker in turn: of
    `[{0}, {1}]` each has one for itself. `processes` follows it where it is None. Where `cpus` is
    None, they run on all that this process may use.

    Raises ValueError and TypeError for what fits none of them, OSError where no worker can be
    started, and MemoryError naming the limit.
    """

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        context: Any = None,
        *,
        cpus: Cpus | None = None,
    ) -> None:
        self._pool: list[BaseProcess] = []
        self._state = INIT
        self._placement = Placement(cpus)
        if processes is None:
            processes = self._placement.workers()
        _check(processes, maxtasksperchild, initializer)
        self._ctx = context or _default_context.get_context()
        self._processes = processes
        self._maxtasksperchild = maxtasksperchild
        self._initializer = initializer
        self._initargs = initargs
        self._cache: dict[int, Any] = {}
        _memory_kills.watch()
        self._dispatcher = Dispatcher(processes, self._maker(), self._pool, self._cache)
        self._terminate: Any = util.Finalize(self, self._dispatcher.terminate, exitpriority=15)
        try:
            self._dispatcher.fill_seats()
        except BaseException:
            self._terminate()
            raise
        self._state = RUN

    def _maker(self) -> Callable[[Seat], BaseProcess]:
        """Makes the process of a worker, without a reference to this pool."""
        context, make = self._ctx, self.Process
        life = self._initializer, self._initargs, self._maxtasksperchild
        placement, workers = self._placement, self._processes

        def process_of(seat: Seat) -> BaseProcess:
            worker: Any = make(context, target=work, args=(seat, *life))
            worker.name = worker.name.replace("Process", "PoolWorker")
            worker.daemon = True
            worker._onecopy_share = placement.share(seat.number, workers)
            return worker  # type: ignore[no-any-return]

        return process_of

    def _check_running(self) -> None:
        if self._state != RUN:
            raise ValueError("Pool not running")

    def _limits(self, timeout: float | None, retries: int) -> Limits:
        limits = Limits(timeout, retries)
        if timeout is not None:
            self._dispatcher.lead_in_a_thread()  # which looks at the time while nobody waits
        return limits

    # -- one task ---------------------------------------------------------------------------------

    def apply(
        self,
        func: Function,
        args: Iterable[Any] = (),
        kwds: Any = {},  # noqa: B006
        *,
        timeout: float | None = None,
        retries: int = 0,
    ) -> Any:
        """What `func(*args, **kwds)` gives in a worker; see `apply_async`."""
        return self.apply_async(func, args, kwds, timeout=timeout, retries=retries).get()

    def apply_async(
        self,
        func: Function,
        args: Iterable[Any] = (),
        kwds: Any = {},  # noqa: B006
        callback: Callback | None = None,
        error_callback: Callback | None = None,
        *,
        timeout: float | None = None,
        retries: int = 0,
    ) -> ApplyResult:
        """`func(*args, **kwds)` in a worker. The callback of its outcome, if there is one, is
        called in a thread of the pool.

        A worker that takes more than `timeout` seconds over it is killed, and TimeoutError raised
        for it. Where a worker dies with it, it is tried again, `retries` times at most."""
        self._check_running()
        limits = self._limits(timeout, retries)
        result = ApplyResult(self, callback, error_callback)
        result.send(func, args, kwds, limits)
        return result

    def apply_awaitable(
        self,
        func: Function,
        args: Iterable[Any] = (),
        kwds: Any = {},  # noqa: B006
        *,
        timeout: float | None = None,
        retries: int = 0,
    ) -> asyncio.Future[Any]:
        """`apply` for an event loop: a future of the running one. To cancel it ends the waiting,
        not the task. RuntimeError: no loop is running."""
        import asyncio

        loop = asyncio.get_running_loop()
        future = loop.create_future()

        def tell(settle: Callable[[Any], object], outcome: Any) -> None:
            if isinstance(outcome, StopIteration):  # which no future may raise
                outcome = RuntimeError(f"the task raised {outcome!r}")
            if not future.done():
                settle(outcome)

        def tell_soon(settle: Callable[[Any], object], outcome: Any) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(tell, settle, outcome)

        result = self.apply_async(
            func,
            args,
            kwds,
            lambda value: tell_soon(future.set_result, value),
            lambda exception: tell_soon(future.set_exception, exception),
            timeout=timeout,
            retries=retries,
        )
        end = ProcessError("the pool was terminated before this was done")
        result.when_terminated = lambda: tell_soon(future.set_exception, end)
        if self._dispatcher.ended and not result.ready():
            result.when_terminated()
        return future

    # -- many tasks -------------------------------------------------------------------------------

    def map(
        self,
        func: Function,
        iterable: Iterable[Any],
        chunksize: int | None = None,
        *,
        timeout: float | None = None,
        retries: int = 0,
        progress: bool = False,
    ) -> Any:
        """`list(map(func, iterable))`, in the workers. Items go in chunks of `chunksize`; where it
        is None, in chunks that are large enough for what sending them costs to be little beside the
        work, and small enough for all workers to end together.

        A worker that takes more than `timeout` seconds over each item of its chunk is killed, and
        TimeoutError raised. Where a worker dies, its chunk is tried again, `retries` times at most;
        then WorkerDied is raised. With `progress` a bar shows on stderr how far it is (tqdm's;
        ImportError where that is not installed)."""
        limits = self._limits(timeout, retries)
        return self._map(func, iterable, MAP, chunksize, limits, progress)

    def starmap(
        self,
        func: Function,
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        *,
        timeout: float | None = None,
        retries: int = 0,
        progress: bool = False,
    ) -> Any:
        """`list(itertools.starmap(func, iterable))`, as `map`."""
        limits = self._limits(timeout, retries)
        return self._map(func, iterable, STARMAP, chunksize, limits, progress)

    def map_async(
        self,
        func: Function,
        iterable: Iterable[Any],
        chunksize: int | None = None,
        callback: Callback | None = None,
        error_callback: Callback | None = None,
        *,
        timeout: float | None = None,
        retries: int = 0,
    ) -> MapResult:
        """`map` that does not wait: all is sent at once, in chunks of which each worker gets about
        four where `chunksize` is None."""
        limits = self._limits(timeout, retries)
        return self._send_all(func, iterable, MAP, chunksize, limits, callback, error_callback)

    def starmap_async(
        self,
        func: Function,
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        callback: Callback | None = None,
        error_callback: Callback | None = None,
        *,
        timeout: float | None = None,
        retries: int = 0,
    ) -> MapResult:
        """`starmap` that does not wait, as `map_async`."""
        limits = self._limits(timeout, retries)
        return self._send_all(func, iterable, STARMAP, chunksize, limits, callback, error_callback)

    def _map(
        self,
        func: Function,
        iterable: Iterable[Any],
        way: int,
        chunksize: int | None,
        limits: Limits,
        progress: bool,
    ) -> Any:
        self._check_running()
        _check_chunksize(chunksize)
        items = _sized(iterable)
        with bar(progress, len(items)) as tell_progress:
            result = MapResult(
                self, func, items, way, chunksize, limits, tell_progress=tell_progress
            )
            return result.get()

    def _send_all(
        self,
        func: Function,
        iterable: Iterable[Any],
        way: int,
        chunksize: int | None,
        limits: Limits,
        callback: Callback | None,
        error_callback: Callback | None,
    ) -> MapResult:
        self._check_running()
        _check_chunksize(chunksize)
        items = _sized(iterable)
        if chunksize is None:
            chunksize = max(1, -(-len(items) // (4 * self._processes)))
        return MapResult(self, func, items, way, chunksize, limits, callback, error_callback)

    def imap(
        self,
        func: Function,
        iterable: Iterable[Any],
        chunksize: int | None = 1,
        buffersize: int | None = None,
        *,
        timeout: float | None = None,
        retries: int = 0,
    ) -> Any:
        """An iterator over the results, in order. Items are taken from `iterable` as results are
        asked for, `buffersize` of them ahead (None: as many chunks as keep the workers busy for a
        hundredth of a second, and four for each at least). `timeout` and `retries` as for `map`."""
        limits = self._limits(timeout, retries)
        stream = self._stream(InOrder, func, iterable, chunksize, buffersize, limits)
        return _items(IMapIterator(self, stream), chunksize)

    def imap_unordered(
        self,
        func: Function,
        iterable: Iterable[Any],
        chunksize: int | None = 1,
        buffersize: int | None = None,
        *,
        timeout: float | None = None,
        retries: int = 0,
    ) -> Any:
        """`imap`, with the results as they come."""
        limits = self._limits(timeout, retries)
        stream = self._stream(AsTheyCome, func, iterable, chunksize, buffersize, limits)
        return _items(IMapUnorderedIterator(self, stream), chunksize)

    def _stream(
        self,
        make: type[Stream],
        func: Function,
        iterable: Iterable[Any],
        chunksize: int | None,
        buffersize: int | None,
        limits: Limits,
    ) -> Stream:
        self._check_running()
        chunksize = 1 if chunksize is None else chunksize
        if chunksize < 1:
            raise ValueError(f"Chunksize must be 1+, not {chunksize:n}")
        if buffersize is not None and buffersize < 1:
            raise ValueError(f"buffersize must be 1 or more, not {buffersize}")
        ahead = None if buffersize is None else -(-buffersize // chunksize)
        return make(self._dispatcher, self._cache, func, iterable, chunksize, ahead, limits)

    def stats(self) -> PoolStats:
        """Where the time goes: of each worker the tasks, when it started, and the seconds that it
        waited, received, computed and sent; and the five slowest tasks. `print(pool.stats())` shows
        a table."""
        return self._dispatcher.stats()

    # -- ending -----------------------------------------------------------------------------------

    def close(self) -> None:
        """No more tasks; the workers leave when those that there are are done."""
        util.debug("closing pool")
        if self._state == RUN:
            self._state = CLOSE
            self._dispatcher.close()

    def terminate(self) -> None:
        """Ends the workers at once, whatever they are doing."""
        util.debug("terminating pool")
        self._state = TERMINATE
        self._terminate()
        self._dispatcher.terminate()  # where one that was called before did not come to its end

    def join(self) -> None:
        """Waits for the workers to leave, after `close` or `terminate`; else ValueError."""
        util.debug("joining pool")
        if self._state == RUN:
            raise ValueError("Pool is still running")
        if self._state not in (CLOSE, TERMINATE):
            raise ValueError("In unknown state")
        if self._state == CLOSE:
            for job in list(self._cache.values()):
                if isinstance(job, Stream):
                    job.feed_all()
        self._dispatcher.join()

    def __del__(self, warn: Any = warnings.warn, run: str = RUN) -> None:
        if self._state == run:
            warn(f"unclosed running multiprocessing pool {self!r}", ResourceWarning, source=self)


def _items(results: IMapIterator, chunksize: int | None) -> Iterator[Any]:
    """The items of chunks, where each chunk is not one item."""
    if chunksize is None or chunksize == 1:
        return results
    return (item for chunk in results for item in chunk)


def _sized(iterable: Iterable[Any]) -> Any:
    return iterable if hasattr(iterable, "__len__") else list(iterable)
