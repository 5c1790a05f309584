"""Where the time of a pool goes: what its workers did, and the tasks that took longest."""

from __future__ import annotations

from time import monotonic_ns, time
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from . import _engine
    from ._pool_slowest import Slowest


class WorkerStats(NamedTuple):
    """One worker, since its start. `started` is a time of time.time(); `waiting` for tasks,
    `receiving` and `sending` what they and their results are, and `computing` are seconds."""

    name: str
    pid: int
    started: float
    tasks: int
    waiting: float
    receiving: float
    computing: float
    sending: float


class TaskStats(NamedTuple):
    """One task: `seconds` of computing, and what was called with which items."""

    seconds: float
    what: str


class PoolStats(NamedTuple):
    """The workers that a pool has now, the five `slowest` tasks that it ever did, and how many
    tasks nobody has begun. As text it is a table."""

    workers: list[WorkerStats]
    slowest: list[TaskStats]
    waiting_tasks: int

    def __str__(self) -> str:
        head = f"{'worker':24}{'pid':>9}{'tasks':>10}{'waiting':>11}{'receiving':>11}"
        lines = [f"{head}{'computing':>11}{'sending':>11}"]
        for worker in self.workers:
            times = worker.waiting, worker.receiving, worker.computing, worker.sending
            lines.append(
                f"{worker.name:24}{worker.pid:>9}{worker.tasks:>10}"
                + "".join(f"{seconds:>9.3f} s" for seconds in times)
            )
        lines += [f"{task.seconds:>9.3f} s  {task.what}" for task in self.slowest]
        lines.append(f"{self.waiting_tasks} tasks that nobody has begun")
        return "\n".join(lines)


def stats_of(crew: _engine.Crew, workers: list[BaseProcess | None], slowest: Slowest) -> PoolStats:
    """`workers` by their seats."""
    found = []
    for seat, worker in enumerate(workers):
        tasks, started, *spent = crew.figures(seat)
        if worker is None or worker.pid is None:
            continue
        # 0: it has not sat down yet.
        age = (monotonic_ns() - started) * 1e-9 if started else 0.0
        times = [nanoseconds * 1e-9 for nanoseconds in spent]
        found.append(WorkerStats(worker.name, worker.pid, time() - age, tasks, *times))
    return PoolStats(
        found, [TaskStats(seconds, what) for seconds, what in slowest.tasks()], crew.waiting()
    )
