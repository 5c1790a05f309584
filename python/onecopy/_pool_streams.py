"""The chunks of an `imap` or `imap_unordered`: made of items that are taken as results are asked
for, sent, and given out as they are answered.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import islice
from math import inf
from multiprocessing import pool as _stock
from multiprocessing.context import ProcessError, TimeoutError

from . import _engine
from ._pool_packing import describe_call, name_of, pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Callable

    from ._pool_dispatch import Dispatcher
    from ._pool_limits import Limits
    from ._pool_packing import Packed, Task
    from ._pool_tasks import Entry

    Outcome = tuple[bool, Any]  # success, value

_AT_ONCE = 64  # chunks that are made before they are sent
_WORK_AHEAD = 10_000_000  # nanoseconds of work that each worker is to have before it
_LEAST_AHEAD, _MOST_AHEAD = 4, 128  # chunks for each worker
_READY_MADE = (list, tuple, range)  # whose items are there: getting them takes no time
_NEVER_SENT = False, None


class Stream:
    """A job of many chunks. There are never more than `ahead` that were sent and not given out, or
    where that is None, as many as keep the workers busy for a moment.

    It knows nothing of the pool: one that nobody reads to its end does not keep the workers."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        jobs: dict[int, Any],
        function: Callable[..., Any],
        iterable: Iterable[Any],
        chunksize: int,
        ahead: int | None,
        limits: Limits,
    ) -> None:
        self._dispatcher = dispatcher
        self._job = next(_stock.job_counter)  # type: ignore[attr-defined]
        self._jobs = jobs
        self._iterator: Iterator[Any] | None = iter(iterable)
        # An item that has to be waited for is not to keep those before it from being sent.
        self._at_once = _AT_ONCE if type(iterable) in _READY_MADE else 1
        self._function: Packed = pack(function, 2)
        self._name = name_of(function)
        self._chunksize = chunksize
        self._is_adaptive = ahead is None
        self._ahead: float = ahead or _LEAST_AHEAD * self._dispatcher.seats
        self._nanoseconds = 0  # that the chunk took which was answered last; 0: none was
        self._limits = limits
        self._sent = 0  # chunks; where the iterator has come to its end, how many there are
        self._chunks: dict[int, Outcome | None] = {}  # that were sent and not given out
        self._first_open = 0  # all chunks before it were answered
        self._broken: BaseException | None = None
        self._feeding = _engine.Turn()
        self._jobs[self._job] = self
        self._feed()

    def next(self, timeout: float | None) -> Any:
        """What the next chunk gave. TimeoutError where it is not there in so many seconds."""
        while True:
            if len(self._chunks) <= self._ahead // 2:
                self._feed()
            outcome = self._take()
            if outcome is not None:
                break
            if not self._may_still_come() or not self._dispatcher.wait(self._may_go_on, timeout):
                raise self._why_nothing()
        success, value = outcome
        if success:
            return value
        raise value

    def _may_go_on(self) -> bool:
        return self._is_there() or not self._may_still_come()

    def _may_still_come(self) -> bool:
        return self._broken is None and (self._iterator is not None or bool(self._chunks))

    def _why_nothing(self) -> BaseException:
        if self._broken is not None:
            return self._broken
        if self._iterator is None and not self._chunks:
            return StopIteration()
        if self._dispatcher.ended:
            return ProcessError("the pool was terminated before this was done")
        return TimeoutError()

    def _is_there(self) -> bool:
        """Whether taking may give something."""
        raise NotImplementedError

    def _take(self) -> Outcome | None:
        """Of a chunk, what only one thread gets. No lock is taken for it, which a signal handler
        might keep by an exception."""
        raise NotImplementedError

    def _put_in(self, number: int, outcome: Outcome) -> None:
        """Of a chunk that was not given out. May be called again where it was interrupted."""
        raise NotImplementedError

    # -- sending ----------------------------------------------------------------------------------

    def feed_all(self) -> None:
        """Sends what is left, whoever asks for it."""
        self._is_adaptive = False
        self._ahead = inf
        self._feed()

    def _feed(self) -> None:
        # The iterator is the program's, and not to be run by two threads, nor within itself. Who
        # runs it looks afterwards whether more is wanted by now.
        if self._is_adaptive and self._nanoseconds:
            for_each = min(max(_WORK_AHEAD // self._nanoseconds, _LEAST_AHEAD), _MOST_AHEAD)
            self._ahead = for_each * self._dispatcher.seats
        while self._wants_more() and self._feeding.take(self._send_next):
            pass

    def _wants_more(self) -> bool:
        if self._iterator is None or self._broken is not None:
            return False
        return len(self._chunks) < self._ahead

    def _send_next(self) -> None:
        tasks: list[Task] = []
        entries: list[Entry] = []
        try:
            unread = self._collect(tasks, entries)
            self._dispatcher.submit_all(tasks, entries)
            if unread is not None:
                self.answered(*unread)
            self._perhaps_finish()
        except BaseException as exception:
            # Of a signal handler: nobody can tell what was sent and what was not.
            self.fail(exception)
            raise

    def _collect(self, tasks: list[Task], entries: list[Entry]) -> tuple[Any, ...] | None:
        """The next chunks; what is to be told of one whose items cannot be got."""
        iterator, limits = self._iterator, self._limits
        assert iterator is not None
        while len(tasks) < self._at_once and self._wants_more():
            try:
                items = tuple(islice(iterator, self._chunksize))
            except Exception as exception:
                number = self._open_next()
                self._iterator = None
                return number, False, exception, 0
            if not items:
                self._iterator = None
                break
            task = self._function, _engine.MAP, items, None
            entries.append((self, self._open_next(), limits.of(task, len(items))))
            tasks.append(task)
        return None

    def _open_next(self) -> int:
        number = self._sent
        self._chunks[number] = None
        self._sent = number + 1
        return number

    # -- answers ----------------------------------------------------------------------------------

    def answered(self, number: int, success: bool, value: Any, nanoseconds: int) -> None:
        if number in self._chunks:
            if success and self._chunksize == 1:
                value = value[0]
            self._nanoseconds = nanoseconds
            self._put_in(number, (success, value))
        if self._iterator is None:
            self._perhaps_finish()

    def describe(self, number: int) -> str:
        begin = number * self._chunksize
        return describe_call(self._name, begin, begin + self._chunksize)

    def _perhaps_finish(self) -> None:
        if self._iterator is not None:
            return
        number = self._first_open
        while number < self._sent and self._chunks.get(number, _NEVER_SENT) is not None:
            number += 1
        self._first_open = number
        if number == self._sent:
            self._jobs.pop(self._job, None)

    def fail(self, exception: BaseException) -> None:
        self._broken = exception
        self._jobs.pop(self._job, None)

    def terminated(self) -> None:
        """Who waits finds out by itself."""


class InOrder(Stream):
    """Chunks are given out in their order."""

    _next = 0  # number of the chunk to be given out, or of one that was

    def _first(self) -> int:
        """The chunk to be given out next, where there is one."""
        number = self._next
        while number < self._sent and number not in self._chunks:
            number += 1
        self._next = number
        return number

    def _is_there(self) -> bool:
        return self._chunks.get(self._first()) is not None

    def _take(self) -> Outcome | None:
        while True:
            number = self._first()
            if self._chunks.get(number) is None:
                return None
            outcome = self._chunks.pop(number, None)
            if outcome is not None:
                return outcome

    def _put_in(self, number: int, outcome: Outcome) -> None:
        self._chunks[number] = outcome


class AsTheyCome(Stream):
    """Chunks are given out as they are answered."""

    def __init__(self, *arguments: Any) -> None:
        # The keys are chunks, some of which may have been given out.
        self._arrivals: OrderedDict[int, None] = OrderedDict()
        super().__init__(*arguments)

    def _is_there(self) -> bool:
        return bool(self._arrivals)

    def _take(self) -> Outcome | None:
        while self._arrivals:
            try:
                number = next(iter(self._arrivals))
            except (StopIteration, RuntimeError):  # another thread was quicker
                continue
            # In this order: an arrival that is gone was given out.
            outcome = self._chunks.pop(number, None)
            self._arrivals.pop(number, None)
            if outcome is not None:
                return outcome
        return None

    def _put_in(self, number: int, outcome: Outcome) -> None:
        # In this order: who finds an arrival finds its outcome, or that it was given out.
        self._chunks[number] = outcome
        self._arrivals[number] = None
