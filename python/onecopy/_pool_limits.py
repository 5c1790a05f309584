"""What a call allows each of its tasks: so many seconds, and so many further tries."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from multiprocessing.context import TimeoutError
from time import monotonic, sleep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess
    from typing import Any

    from ._pool_packing import Task

_PATIENCE = 0.1  # seconds that a process may take to stop


class Limits:
    """Of each call of the function: `timeout` seconds (None: any time), and `retries` further tries
    where a worker dies with it."""

    def __init__(self, timeout: float | None, retries: int) -> None:
        """Raises ValueError for what cannot be meant."""
        if timeout is not None and not timeout > 0:
            raise ValueError(f"timeout must be more than 0 seconds, not {timeout}")
        if retries < 0:
            raise ValueError(f"retries must be 0 or more, not {retries}")
        self.timeout = timeout
        self.retries = retries

    def __bool__(self) -> bool:
        return self.timeout is not None or self.retries > 0

    def of(self, task: Task, calls: int) -> Allowance | None:
        """What a task of so many calls has."""
        if not self:
            return None
        return Allowance(task, None if self.timeout is None else self.timeout * calls, self.retries)


class Allowance:
    """What one task has left, and the task, to be sent again."""

    def __init__(self, task: Any, seconds: float | None, retries: int) -> None:
        self.task = task
        self.seconds = seconds
        self.retries = retries
        self.overrun = False
        self._begun: float | None = None

    def is_over(self) -> bool:
        """Asked now and then while a worker is at it: whether its time is up since the first."""
        if self.seconds is None:
            return False
        now = monotonic()
        if self._begun is None:
            self._begun = now
        return now - self._begun > self.seconds

    def try_again(self) -> bool:
        """Whether it is to be sent again, after its worker has died."""
        if self.retries == 0:
            return False
        self.retries -= 1
        self._begun = None
        return True

    def too_late(self) -> TimeoutError:
        return TimeoutError(f"this task was not done in {self.seconds:g} seconds")


def stop(worker: BaseProcess) -> bool:
    """Stops a worker, so that what it is at can be looked at before it goes on or is killed. False:
    it has ended, or cannot be stopped just now."""
    pid = worker.pid
    assert pid is not None
    stopped = False
    try:
        with suppress(OSError):
            os.kill(pid, signal.SIGSTOP)
            end = monotonic() + _PATIENCE
            while not stopped and monotonic() < end:
                sleep(0)
                with open(f"/proc/{pid}/stat", "rb") as status:
                    state = status.read().rpartition(b")")[2].split()[0]
                stopped = state in (b"T", b"t")
    finally:
        if not stopped:
            go_on(worker)
    return stopped


def go_on(worker: BaseProcess) -> None:
    assert worker.pid is not None
    with suppress(OSError):
        os.kill(worker.pid, signal.SIGCONT)
