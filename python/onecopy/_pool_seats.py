"""The workers of a pool, for its parent: each sits in a seat, until it leaves or dies."""

from __future__ import annotations

import threading
from multiprocessing import util
from time import monotonic

from . import _nesting
from ._pool_worker import Seat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess
    from typing import Callable

    from . import _engine

_GRACE = 0.5  # seconds that a worker has from SIGTERM to SIGKILL


class UnknownWorkerError(Exception):
    """The start of a worker was interrupted so that there may be one which nobody knows."""

    def __init__(self, interruption: BaseException) -> None:
        super().__init__("the start of a worker was interrupted")
        self.interruption = interruption


class Seats:
    """Any thread may fill the seats and end the workers; one at a time does the rest."""

    def __init__(
        self,
        crew: _engine.Crew,
        count: int,
        make: Callable[[Seat], BaseProcess],
        processes: list[BaseProcess],
    ) -> None:
        """`make` makes the process of a worker, and does not start it. `processes` is kept to be
        those that work."""
        self._crew = crew
        self._make = make
        self._processes = processes
        self.workers: list[BaseProcess | None] = [None] * count
        self._leavers: list[BaseProcess] = []
        self._changing = threading.RLock()
        self._filling = False
        self._ended = False

    def fill(self) -> None:
        """Starts a worker for each seat that has none. Raises what starting raises, and
        UnknownWorkerError."""
        with self._changing:
            if self._filling:
                return  # this is a signal handler of who fills them
            self._filling = True
            try:
                for number, worker in enumerate(self.workers):
                    if worker is None and not self._ended:
                        self._start(number)
            finally:
                self._filling = False

    def _start(self, number: int) -> None:
        worker = self._make(Seat(self._crew, number))
        self.workers[number] = worker
        try:
            _nesting.start(worker)
            self._processes.append(worker)
        except (OSError, MemoryError):
            self._forget(number, worker)
            raise
        except BaseException as exception:
            if worker.pid is None:
                raise UnknownWorkerError(exception) from exception
            if worker not in self._processes:
                self._processes.append(worker)
            raise
        if self._ended:  # by a signal handler, which could not end a worker that had not begun
            worker.kill()
        util.debug("added worker")

    def _forget(self, number: int, worker: BaseProcess) -> None:
        if worker in self._processes:
            self._processes.remove(worker)
        self.workers[number] = None

    def is_anybody_there(self) -> bool:
        return any(self.workers)

    def is_any_empty(self) -> bool:
        return None in self.workers

    def vacate(self, number: int, pid: int) -> None:
        """The worker in that seat leaves of its own accord."""
        with self._changing:
            worker = self.workers[number]
            if worker is not None and worker.pid == pid:
                self._leavers.append(worker)
                self._forget(number, worker)

    def dead(self) -> list[tuple[int, BaseProcess]]:
        """The seats of those that have died, and them."""
        with self._changing:
            self._leavers = [each for each in self._leavers if each.exitcode is None]
            return [
                (number, worker)
                for number, worker in enumerate(self.workers)
                if worker is not None and worker.exitcode is not None
            ]

    def clear(self, number: int, worker: BaseProcess) -> bool:
        """Another may have the seat of this one, which is dead, and what it had is settled. False:
        it has left before."""
        with self._changing:
            if self.workers[number] is not worker:
                return False
            worker.join()
            self._crew.clear_seat(number)
            self._forget(number, worker)
            return True

    def join(self) -> None:
        """Until all workers are gone."""
        for process in self._started():
            process.join()

    def _started(self) -> list[BaseProcess]:
        known = [*self.workers, *self._leavers]
        return [each for each in known if each is not None and each.pid is not None]

    def end(self) -> None:
        """Ends the workers, whatever they do, within a second."""
        with self._changing:
            self._ended = True
            working = self._started()
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
