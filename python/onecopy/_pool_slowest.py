"""Which tasks of a pool took longest."""

from __future__ import annotations

_LONGEST = 5


class Slowest:
    """The tasks that took longest. One thread at a time notes; any may look."""

    def __init__(self) -> None:
        self.least = 0  # nanoseconds: a task that took no more is not among them
        self._tasks: dict[int, tuple[int, str]] = {}  # by number

    def note(self, number: int, nanoseconds: int, what: str) -> None:
        """Of a task that took more than `least`."""
        tasks = {**self._tasks, number: (nanoseconds, what)}
        if len(tasks) > _LONGEST:
            del tasks[min(tasks, key=lambda each: tasks[each][0])]
        if len(tasks) == _LONGEST:
            self.least = min(each[0] for each in tasks.values())
        self._tasks = tasks

    def tasks(self) -> list[tuple[float, str]]:
        """Seconds and what, the slowest first."""
        tasks = sorted(self._tasks.values(), reverse=True)
        return [(nanoseconds * 1e-9, what) for nanoseconds, what in tasks]
