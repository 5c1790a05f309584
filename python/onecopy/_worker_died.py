"""The error of a task whose worker died with it."""

from __future__ import annotations

import signal
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import ProcessError

from . import _memory_kills


class WorkerDied(ProcessError, BrokenProcessPool):  # noqa: N818
    """The process that was doing the task has ended before it was done.

    Only this task is lost. `pid` is the worker's; `exitcode` is its exit code, or the negative
    number of the signal that ended it, and None where no worker could be started for the task.
    """

    def __init__(self, text: str, pid: int | None = None, exitcode: int | None = None) -> None:
        super().__init__(text, pid, exitcode)
        self.pid = pid
        self.exitcode = exitcode

    def __str__(self) -> str:
        return str(self.args[0])


def how_it_ended(exitcode: int | None) -> str:
    """In words: "was killed by SIGSEGV", "exited with code 3". To be asked once for each death."""
    if exitcode is None or exitcode >= 0:
        return f"exited with code {exitcode}"
    try:
        name = signal.Signals(-exitcode).name
    except ValueError:
        name = f"signal {-exitcode}"
    if exitcode == -signal.SIGKILL and _memory_kills.explains_a_death():
        return f"was killed by {name}, probably by the kernel because memory ran out,"
    return f"was killed by {name}"
