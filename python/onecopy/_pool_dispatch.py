"""How the parent of a pool gets its answers, and keeps its workers.

No thread stands between: whoever waits takes in what comes (_pool_leading.py), for all jobs
(_pool_tasks.py). A worker that died is found by the same thread, which looks twenty times a second.
What it was at is told by its seat (src/pool/crew.hpp): that task is lost, and no other.
"""

from __future__ import annotations

import sys
from collections import deque
from multiprocessing.pool import RemoteTraceback  # type: ignore[attr-defined]
from time import monotonic

from . import _engine
from ._pool_leading import PULSE, Leading
from ._pool_limits import go_on, stop
from ._pool_seats import Seats, UnknownWorkerError
from ._pool_tasks import Tasks
from ._pool_worker import InitializerFailed, NoticeOfLeave, Seat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess
    from typing import Any, Callable

    from ._pool_packing import Task
    from ._pool_stats import PoolStats
    from ._pool_tasks import Entry, Job

_AT_ONCE = 64  # answers that are taken in before anybody is told


class Dispatcher(Leading):
    """The answers, the workers and the unanswered tasks of one pool, for the process that made it.
    Any thread may call anything."""

    def __init__(
        self,
        seats: int,
        make: Callable[[Seat], BaseProcess],
        processes: list[BaseProcess],
        jobs: dict[int, Job],
    ) -> None:
        """`make` makes the process of a seat's worker. `processes` is kept to be those that work;
        `jobs` are those that are not done, and keep themselves."""
        super().__init__()
        self.seats = seats
        self._crew = _engine.Crew(seats)
        self._workers = Seats(self._crew, seats, make, processes)
        self._tasks = Tasks(self._crew)
        self._jobs = jobs
        # Answers, until they are told: each stays until that is done, whatever interrupts it.
        self._arrived: list[tuple[int | None, bool, Any, int]] = []
        self._calls: deque[tuple[Callable[[Any], object], Any, Callable[[], None]]] = deque()
        self._next_look = monotonic() + PULSE
        self._deaths = 0  # since the last answer
        self._most_deaths = 8 + 2 * seats
        self._closing = False
        self._broken: BaseException | None = None

    # -- tasks ------------------------------------------------------------------------------------

    def submit(self, task: Task, entry: Entry) -> None:
        """The job of the entry is told the answer. Raises what encoding the task raises, and what
        broke the pool."""
        if self._broken is not None:
            raise self._broken
        self._tasks.put(task, entry)
        self._perhaps_close_crew()

    def submit_all(self, tasks: list[Task], entries: list[Entry]) -> None:
        """The same for many. What one raises is told as its answer."""
        while entries:
            sent, exception = 0, self._broken
            if exception is None:
                sent, exception = self._tasks.put_all(tasks, entries)
                if exception is None:
                    break
            job, key, _ = entries[sent]
            job.answered(key, False, exception, 0)
            if not isinstance(exception, Exception):
                raise exception
            del tasks[: sent + 1], entries[: sent + 1]
        self._perhaps_close_crew()

    def close(self) -> None:
        """Workers leave when all jobs are done."""
        self._closing = True
        self._perhaps_close_crew()

    def _perhaps_close_crew(self) -> None:
        if self._closing and not self._jobs and not self.ended:
            self._crew.close()

    # -- answers ----------------------------------------------------------------------------------

    def _is_all_done(self) -> bool:
        return self._closing and not self._jobs

    def _take_in(self, until: float) -> None:
        now = monotonic()
        if now >= self._next_look:
            self._look_after_workers()
        self._crew.get(self._arrived, _AT_ONCE, True, min(until, self._next_look) - now)
        self._tell_arrived()

    def _take_in_all(self) -> None:
        while self._crew.get(self._arrived, _AT_ONCE, False):
            self._tell_arrived()

    def _tell_arrived(self) -> None:
        arrived = self._arrived
        while arrived:
            answer = arrived[0]
            number = answer[0]
            if number is None:
                self._hear(answer[2])
            else:
                self._deaths = 0
                self._tasks.answered(number, answer[1:])
            # A signal handler may have waited for the pool meanwhile, and told it too.
            if arrived and arrived[0] is answer:
                del arrived[0]
        # Within a signal handler there is nobody else for it, who could go on before that is done.
        if self._calls and (self._leads_for_good() or self._within):
            self._make_calls()
        self._perhaps_close_crew()

    def call_back(
        self, callback: Callable[[Any], object], value: Any, then: Callable[[], None]
    ) -> None:
        """In the thread that takes the answers for good, which is there."""
        self._calls.append((callback, value, then))

    def _make_calls(self) -> None:
        while self._calls:
            callback, value, then = self._calls.popleft()
            try:
                callback(value)
            except BaseException:
                sys.excepthook(*sys.exc_info())
            then()

    def _hear(self, news: Any) -> None:
        if isinstance(news, NoticeOfLeave):
            self._workers.vacate(news.seat, news.pid)
            self._refill()
        elif isinstance(news, InitializerFailed):
            why = f"the initializer of a worker failed: {news.exception}"
            self._break(why, RemoteTraceback(f'\n"""\n{news.traceback}"""'))

    # -- workers ----------------------------------------------------------------------------------

    def fill_seats(self) -> None:
        """Starts a worker for each seat that has none. Raises what starting raises."""
        try:
            self._workers.fill()
        except UnknownWorkerError as error:
            # It may have a task, and nobody else may have its seat.
            self._break(str(error), error.interruption)
            raise error.interruption from None

    def _refill(self) -> None:
        """Replaces who is gone, where there is still something to do."""
        if self.ended or self._broken is not None or self._is_all_done():
            return
        try:
            self.fill_seats()
        except (OSError, MemoryError) as exception:
            # Tried again at the next look, as long as somebody works.
            if not self._workers.is_anybody_there():
                self._break("no worker can be started any more", exception)

    def _look_after_workers(self) -> None:
        dead = self._workers.dead()
        if dead and not self.ended:
            self._settle(dead)
        self._end_overruns()
        if self._workers.is_any_empty():
            self._refill()
        self._next_look = monotonic() + PULSE

    def _settle(self, dead: list[tuple[int, BaseProcess]], *, by_us: bool = False) -> None:
        """Fails the tasks that these workers have taken with them, and clears their seats."""
        crew = self._crew
        gone = {seat for seat, _ in dead}
        suspects = {crew.at(seat): worker for seat, worker in dead}
        lost = {each for each in suspects if each is not None and crew.is_taken(each)}
        lost -= {crew.at(each) for each in range(self.seats) if each not in gone}
        self._take_in_all()
        for number in lost:
            assert number is not None
            self._lose(number, suspects[number])
        for seat, worker in dead:
            # Who leaves of its own accord gives notice.
            if self._workers.clear(seat, worker) and not by_us and not self._is_all_done():
                self._deaths += 1
        if self._deaths > self._most_deaths:
            self._break(f"{self._deaths} workers have died one after the other without an answer")

    def _lose(self, number: int, worker: BaseProcess) -> None:
        from ._worker_died import WorkerDied, how_it_ended

        how = how_it_ended(worker.exitcode)
        text = f"the worker {worker.name} (process {worker.pid}) {how} while it did this task"
        self._tasks.lose(number, WorkerDied(text, worker.pid, worker.exitcode))
        self._perhaps_close_crew()

    def _end_overruns(self) -> None:
        """Kills the workers that take longer over a task than it has."""
        for seat, worker in enumerate(self._workers.workers):
            number = self._crew.at(seat)
            allowance = self._tasks.allowance(number)
            if worker is None or allowance is None:
                continue
            if not allowance.is_over() or not stop(worker):
                continue
            # It may have answered meanwhile, and be at the next. While it is stopped nothing is
            # done here that could wait for it: it may hold a lock.
            try:
                allowance.overrun = self._crew.at(seat) == number
                if allowance.overrun:
                    worker.kill()
            finally:
                go_on(worker)
            if allowance.overrun:
                worker.join()
                self._settle([(seat, worker)], by_us=True)

    def _break(self, why: str, cause: BaseException | None = None) -> None:
        """Nothing more can be done: what is not done, and what is asked for later, fails."""
        from ._worker_died import WorkerDied

        if self._broken is not None:
            return
        self._broken = WorkerDied(f"the pool is broken: {why}")
        self._broken.__cause__ = cause
        self._crew.discard()
        self._tasks.clear()
        for job in list(self._jobs.values()):
            job.fail(self._broken)

    def stats(self) -> PoolStats:
        from ._pool_stats import stats_of

        return stats_of(self._crew, self._workers.workers, self._tasks.slowest)

    # -- ending -----------------------------------------------------------------------------------

    def join(self) -> None:
        """Until all jobs are done and all workers gone. The pool was closed, or terminated."""
        self.wait(lambda: not self._jobs, None)
        self._perhaps_close_crew()
        self.join_leader()
        if self.ended:
            self._workers.end()  # again, where terminate() was interrupted
        self._workers.join()

    def terminate(self) -> None:
        """Ends the workers, whatever they do, within a second; what is not done never will be."""
        self.ended = True
        self._crew.discard()
        self._workers.end()
        self._ring()
        for job in list(self._jobs.values()):
            job.terminated()
