"""How the parent of a pool gets its answers, and keeps its workers.

No thread stands between. Whoever waits for a result takes the answers that come, for all who wait:
the *leader*, one thread at a time; the others sleep until their result is there, or until there is
no leader. Only where somebody asks to be called back a thread of the pool leads, for good, so that
callbacks run in a thread of their own as under stock.

A worker that died is found by the leader, who looks twenty times a second. What it was at is told
by its seat (src/pool/crew.hpp): that task is lost, and no other.
"""

from __future__ import annotations

import threading
from collections import deque
from multiprocessing import util
from multiprocessing.context import TimeoutError
from multiprocessing.pool import RemoteTraceback  # type: ignore[attr-defined]
from queue import Empty
from time import monotonic

from . import _engine
from ._pool_limits import go_on, stop
from ._pool_worker import InitializerFailed, NoticeOfLeave, Seat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess
    from typing import Any, Callable, Protocol

    from ._pool_limits import Allowance
    from ._pool_worker import Task

    class Job(Protocol):
        """The tasks of one call."""

        def answered(self, key: Any, success: bool, value: Any) -> None:
            """Of the task that was submitted with `key`. Called once for each, by any thread."""

        def fail(self, exception: BaseException) -> None:
            """No task of it will be answered any more."""


_PULSE = 0.05  # seconds between two looks at the workers
_GRACE = 0.5  # seconds that a worker has from SIGTERM to SIGKILL


class Dispatcher:
    """The answers, the workers and the unanswered tasks of one pool, for the process that made it.
    Any thread may call anything."""

    def __init__(
        self,
        seats: int,
        start: Callable[[Seat], BaseProcess],
        processes: list[BaseProcess],
        jobs: dict[int, Job],
    ) -> None:
        """`start` starts the worker of a seat. `processes` is kept to be those that work; `jobs`
        are those that are not done, and keep themselves."""
        self._crew = _engine.Crew(seats)
        self._start = start
        self._processes = processes
        self._jobs = jobs
        self._workers: list[BaseProcess | None] = [None] * seats
        self._leavers: list[BaseProcess] = []
        self._over_workers = threading.RLock()
        # By number, what a task belongs to: (job, key, allowance). Or, until the thread that has
        # put it says what that is, its answer: (success, value).
        self._tasks: dict[int, tuple[Any, ...]] = {}
        self._putting: deque[None] = deque()  # as long as there are threads that put
        self._leader: dict[None, int] = {}  # empty, or with the thread that leads
        self._changed = threading.Condition()
        self._followers = 0
        self._leader_for_good: threading.Thread | None = None
        self._make_way = False
        self._next_look = monotonic() + _PULSE
        self._deaths = 0  # since the last answer
        self._most_deaths = 8 + 2 * seats
        self._closing = False
        self._broken: BaseException | None = None
        self.ended = False

    # -- tasks ------------------------------------------------------------------------------------

    @property
    def seats(self) -> int:
        return len(self._workers)

    def submit(self, job: Job, key: Any, task: Task, allowance: Allowance | None = None) -> None:
        """`job.answered(key, ...)` will tell the answer. Raises what encoding the task raises, and
        what broke the pool."""
        if self._broken is not None:
            raise self._broken
        entry = job, key, allowance
        self._putting.append(None)
        try:
            number = self._crew.put(task)
            early = self._tasks.setdefault(number, entry)
        finally:
            self._putting.pop()
        if early is not entry:
            self._tasks.pop(number, None)
            self._deliver(entry, *early)

    def close(self) -> None:
        """Workers leave when all jobs are done."""
        self._closing = True
        self._perhaps_close_crew()

    def _perhaps_close_crew(self) -> None:
        if self._closing and not self._jobs and not self.ended:
            self._crew.close()

    # -- answers ----------------------------------------------------------------------------------

    def wait(self, is_done: Callable[[], bool], timeout: float | None) -> bool:
        """Until `is_done`, whose answer changes when some job is told an answer: true. False at the
        time-out, or where the pool was terminated meanwhile."""
        deadline = None if timeout is None else monotonic() + timeout
        while not is_done():
            if self.ended or (deadline is not None and monotonic() >= deadline):
                self.poll()
                return is_done()
            if self._make_way or not self._try_to_lead(lambda: self._lead(is_done, deadline)):
                self._follow(is_done, deadline)
        return True

    def poll(self) -> None:
        """Takes the answers that are there, without waiting."""
        if not self.ended:
            self._try_to_lead(self._take_in_what_came)

    def _take_in_what_came(self) -> None:
        self._drain()
        if monotonic() >= self._next_look:
            self._look_after_workers()

    def _try_to_lead(self, lead: Callable[[], None]) -> bool:
        """False where another thread leads. An exception of a signal handler, which may come
        between any two steps, leaves no leader behind: a lock might be taken then, and never be
        released."""
        me = threading.get_ident()
        if self._leader.get(None) == me:  # a signal handler or a callback of the leader waits, too
            lead()
            return True
        try:
            if self._leader.setdefault(None, me) != me:
                return False
            lead()
            return True
        finally:
            if self._leader.get(None) == me:
                del self._leader[None]
                self._tell_followers()

    def lead_in_a_thread(self) -> None:
        """From now on a thread of the pool takes the answers."""
        if self._leader_for_good is not None:
            return  # not to wait for who looks after the workers, and may be calling back
        with self._over_workers:
            if self._leader_for_good is None:
                thread = threading.Thread(target=self._lead_for_good, daemon=True)
                thread.start()
                self._leader_for_good = thread

    def _lead_for_good(self) -> None:
        def lead() -> None:
            self._make_way = False
            self._lead(lambda: self._closing and not self._jobs, None)

        self._make_way = True
        while not self._try_to_lead(lead):
            with self._changed:
                self._followers += 1
                if self._leader:
                    self._changed.wait(_PULSE)
                self._followers -= 1

    def _lead(self, is_done: Callable[[], bool], deadline: float | None) -> None:
        """As the leader."""
        get = self._crew.get
        while not (is_done() or self.ended or self._make_way):
            now = monotonic()
            if now >= self._next_look:
                self._look_after_workers()
            elif deadline is not None and now >= deadline:
                return
            else:
                until = self._next_look if deadline is None else min(deadline, self._next_look)
                try:
                    answer = get(True, until - now)
                except Empty:
                    continue
                self._take_in(*answer)
            if self._followers:
                self._tell_followers()

    def _follow(self, is_done: Callable[[], bool], deadline: float | None) -> None:
        patience = _PULSE if deadline is None else min(_PULSE, deadline - monotonic())
        with self._changed:
            self._followers += 1
            try:
                # Who leads looks for followers after it has released: one of both sees the other.
                if patience > 0 and (self._leader or self._make_way) and not is_done():
                    self._changed.wait(patience)
            finally:
                self._followers -= 1

    def _tell_followers(self) -> None:
        if self._followers:
            with self._changed:
                self._changed.notify_all()

    def _drain(self) -> None:
        try:
            while True:
                self._take_in(*self._crew.get(False))
        except Empty:
            pass

    def _take_in(self, number: int | None, success: bool, value: Any) -> None:
        if number is None:
            self._hear(value)
            return
        self._deaths = 0
        entry = self._tasks.pop(number, None)
        if entry is None:
            early = success, value
            entry = self._tasks.setdefault(number, early)
            if entry is early:
                return
            self._tasks.pop(number, None)
        self._deliver(entry, success, value)

    def _deliver(self, entry: tuple[Any, ...], success: bool, value: Any) -> None:
        job, key, _ = entry
        job.answered(key, success, value)
        if self._closing:
            self._perhaps_close_crew()

    # -- workers ----------------------------------------------------------------------------------

    def fill_seats(self) -> None:
        """Starts a worker for each seat that has none. Raises what starting raises."""
        with self._over_workers:
            for number, worker in enumerate(self._workers):
                if worker is None and not self.ended:
                    self._fill_seat(number)

    def _fill_seat(self, number: int) -> None:
        try:
            started = self._start(Seat(self._crew, number))
            self._workers[number] = started
            self._processes.append(started)
        except (OSError, MemoryError):
            raise  # there is no worker
        except BaseException as exception:
            # There may be one that nobody knows, with a task: nobody else may have its seat.
            self._break("the start of a worker was interrupted", exception)
            raise
        if self.ended:  # by a signal handler, which saw no such worker
            started.kill()
        util.debug("added worker")

    def _hear(self, news: Any) -> None:
        if isinstance(news, NoticeOfLeave):
            self._replace(news.seat)
        elif isinstance(news, InitializerFailed):
            why = f"the initializer of a worker failed: {news.exception}"
            self._break(why, RemoteTraceback(f'\n"""\n{news.traceback}"""'))

    def _replace(self, number: int) -> None:
        with self._over_workers:
            leaver = self._workers[number]
            if leaver is not None:
                self._workers[number] = None
                self._processes.remove(leaver)
                self._leavers.append(leaver)
            self._refill()

    def _refill(self) -> None:
        """Replaces who is gone, where there is still something to do."""
        if self.ended or self._broken is not None or (self._closing and not self._jobs):
            return
        try:
            self.fill_seats()
        except (OSError, MemoryError) as exception:
            # Tried again at the next look, as long as somebody works.
            if not self._processes:
                self._break("no worker can be started any more", exception)

    def _look_after_workers(self) -> None:
        with self._over_workers:
            self._leavers = [each for each in self._leavers if each.exitcode is None]
            dead = [
                (number, worker)
                for number, worker in enumerate(self._workers)
                if worker is not None and worker.exitcode is not None
            ]
            if dead and not self.ended:
                self._settle(dead)
            self._end_overruns()
            if dead or None in self._workers:
                self._refill()
        self._next_look = monotonic() + _PULSE

    def _settle(self, dead: list[tuple[int, BaseProcess]], *, by_us: bool = False) -> None:
        """Fails the tasks that these workers have taken with them, and clears their seats."""
        crew = self._crew
        gone = {number for number, _ in dead}
        suspects = {crew.at(number): worker for number, worker in dead}
        lost = {each for each in suspects if each is not None and crew.is_taken(each)}
        lost -= {crew.at(each) for each in range(self.seats) if each not in gone}
        self._drain()
        for number in lost:
            assert number is not None
            self._lose(number, suspects[number])
        for seat, worker in dead:
            if self._workers[seat] is not worker:
                continue  # it gave notice in what has just been drained
            worker.join()
            crew.clear_seat(seat)
            self._workers[seat] = None
            self._processes.remove(worker)
            # Who leaves of its own accord gives notice.
            if not by_us and not (self._closing and not self._jobs):
                self._deaths += 1
        if self._deaths > self._most_deaths:
            self._break(f"{self._deaths} workers have died one after the other without an answer")

    def _lose(self, number: int, worker: BaseProcess) -> None:
        # In this order: who puts says first what it has put.
        if not self._putting and self._tasks.get(number) is None:
            return  # answered
        from ._worker_died import WorkerDied, how_it_ended

        how = how_it_ended(worker.exitcode)
        text = f"the worker {worker.name} (process {worker.pid}) {how} while it did this task"
        died = WorkerDied(text, worker.pid, worker.exitcode)
        # Where somebody who has put it does not say so yet, or never will since it is answered.
        early = False, died
        entry = self._tasks.setdefault(number, early)
        if entry is early or type(entry[0]) is bool:
            return
        self._tasks.pop(number, None)
        job, key, allowance = entry
        if allowance is not None and allowance.overrun:
            late = TimeoutError(f"this task was not done in {allowance.seconds:g} seconds")
            self._deliver(entry, False, late)
        elif allowance is not None and allowance.try_again():
            try:
                self.submit(job, key, allowance.task, allowance)
            except Exception as exception:
                self._deliver(entry, False, exception)
        else:
            self._deliver(entry, False, died)

    def _end_overruns(self) -> None:
        """Kills the workers that take longer over a task than it has."""
        for seat, worker in enumerate(self._workers):
            number = self._crew.at(seat)
            entry = None if number is None else self._tasks.get(number)
            if worker is None or entry is None or type(entry[0]) is bool:
                continue
            allowance = entry[2]
            if allowance is None or not allowance.is_over() or not stop(worker):
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

    # -- ending -----------------------------------------------------------------------------------

    def join(self) -> None:
        """Until all jobs are done and all workers gone. The pool was closed, or terminated."""
        self.wait(lambda: not self._jobs, None)
        self._perhaps_close_crew()
        thread = self._leader_for_good
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        for process in [*self._processes, *self._leavers]:
            process.join()

    def terminate(self) -> None:
        """Ends the workers, whatever they do, within a second; what is not done never will be."""
        with self._over_workers:
            self.ended = True
            self._crew.discard()
            working = [*self._processes, *self._leavers]
            for process in working:
                if process.exitcode is None:
                    process.terminate()
            patience = monotonic() + _GRACE
            for process in working:
                process.join(max(0.0, patience - monotonic()))
                if process.exitcode is None:
                    process.kill()
            for process in working:
                process.join()
        self._tell_followers()
