"""What is measured: a program of a parent and, mostly, of children that it starts.

A program is opened with a context of either module and starts its children at once. `run(calls)`
returns the seconds that its work took, done so many times, replies included. Nothing in it knows
which module it was given.
"""

from __future__ import annotations

from typing import Any


class WrongAnswerError(Exception):
    """What came out is not what went in."""


class Program:
    units = 1  # what one call of `run` stands for: messages, elements

    def __init__(self) -> None:
        self.processes: list[Any] = []

    def start(self, context: Any, target: Any, *args: Any) -> None:
        process = context.Process(target=target, args=args, daemon=True)
        process.start()
        self.processes.append(process)

    def check(self) -> None:
        """The work once, and its answer compared; it also waits for the children to start."""
        raise NotImplementedError

    def run(self, calls: int) -> float:
        raise NotImplementedError

    def stop(self) -> None:
        """Tells the children to end."""

    def close(self) -> None:
        self.stop()
        for process in self.processes:
            process.join(30)
        self.abandon()

    def abandon(self) -> None:
        """Ends whatever is left, without asking."""
        for process in self.processes:
            if process.is_alive():
                process.kill()
            process.join(30)
