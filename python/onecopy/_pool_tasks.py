"""The tasks of a pool that were sent and have no answer yet.

Each is known by its number, which only its sending tells: so an answer may come before it is known
whose. An answer may also be told twice, where a signal handler raised in the middle of the first
time: a job makes sure that the second changes nothing.
"""

from __future__ import annotations

from collections import deque

from ._pool_slowest import Slowest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Protocol, Union

    from . import _engine
    from ._pool_limits import Allowance
    from ._pool_packing import Task
    from ._worker_died import WorkerDied

    class Job(Protocol):
        """The tasks of one call."""

        def answered(self, key: Any, success: bool, value: Any, nanoseconds: int) -> None:
            """Of the task that was submitted with `key`, and how long it took in the worker. Called
            by any thread, and more than once where the first time was interrupted."""

        def fail(self, exception: BaseException) -> None:
            """No task of it will be answered any more."""

        def terminated(self) -> None:
            """The pool was, before this was done."""

        def describe(self, key: Any) -> str:
            """In words, a task that has no answer yet."""

    Entry = tuple[Job, Any, Optional[Allowance]]  # whose it is, its key there, what it may
    Answer = tuple[bool, Any, int]  # success, value, nanoseconds
    Outcome = Union[Answer, WorkerDied]  # the latter: it was lost


class Tasks:
    """Any thread may put tasks; one at a time tells how they end."""

    def __init__(self, crew: _engine.Crew) -> None:
        self._crew = crew
        self._entries: dict[int, Entry] = {}
        self._early: dict[int, Outcome] = {}  # until the thread that has put it says whose it is
        self.slowest = Slowest()
        self._putting: deque[None] = deque()  # as long as there are threads that put

    def put(self, task: Task, entry: Entry) -> None:
        """Raises what encoding the task raises."""
        self._putting.append(None)
        try:
            self._enter(self._crew.put(task), entry)
        finally:
            self._putting.pop()

    def put_all(self, tasks: list[Task], entries: list[Entry]) -> tuple[int, BaseException | None]:
        """Puts tasks up to the first that fails, and takes them out of the list; how many were put,
        and what that one raised."""
        self._putting.append(None)
        try:
            numbers, exception = self._crew.put_all(tasks)
            for number, entry in zip(numbers, entries):
                self._enter(number, entry)
        finally:
            self._putting.pop()
        return len(numbers), exception

    def _enter(self, number: int, entry: Entry) -> None:
        # Stored before the look, as the other side stores an early outcome before it looks again:
        # one of both sees the other, and only one takes the outcome out.
        self._entries[number] = entry
        if self._early:
            outcome = self._early.pop(number, None)
            if outcome is not None:
                self._settle(number, entry, outcome)

    def answered(self, number: int, answer: Answer) -> None:
        self._end(number, answer)

    def lose(self, number: int, died: WorkerDied) -> None:
        """The task ended with its worker. Nothing where it was answered."""
        self._end(number, died)

    def allowance(self, number: int | None) -> Allowance | None:
        entry = None if number is None else self._entries.get(number)
        return None if entry is None else entry[2]

    def clear(self) -> None:
        """No task is to end any more."""
        self._entries.clear()

    def _end(self, number: int, outcome: Outcome) -> None:
        putting = bool(self._putting)  # before the look: who puts says first what it has put
        entry = self._entries.get(number)
        if entry is None:
            if not putting:
                return  # it has ended before
            self._early.setdefault(number, outcome)
            entry = self._entries.get(number)
            if entry is None:
                return
            early = self._early.pop(number, None)
            if early is None:
                return
            outcome = early
        self._settle(number, entry, outcome)

    def _settle(self, number: int, entry: Entry, outcome: Outcome) -> None:
        if type(outcome) is tuple:
            job, key, _ = entry
            if outcome[2] > self.slowest.least:
                self.slowest.note(number, outcome[2], job.describe(key))
            job.answered(key, *outcome)
        elif not self._is_tried_again(entry):
            job, key, allowance = entry
            why = allowance.too_late() if allowance is not None and allowance.overrun else outcome
            job.answered(key, False, why, 0)
        self._entries.pop(number, None)

    def _is_tried_again(self, entry: Entry) -> bool:
        job, key, allowance = entry
        if allowance is None or allowance.overrun or not allowance.try_again():
            return False
        try:
            self.put(allowance.task, entry)
        except Exception as exception:
            job.answered(key, False, exception, 0)
        return True
