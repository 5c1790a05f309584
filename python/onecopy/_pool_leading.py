"""Who takes in what comes, among the threads that wait: one for all, and none besides.

Whoever waits for a result takes in what the workers answer, for all who wait: the *leader*, one
thread at a time; the others sleep until their result is there, or until there is no leader. Only
where somebody asks to be called back a thread of the pool leads, for good, so that callbacks run in
a thread of their own as under stock.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from math import inf
from time import monotonic

from . import _engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

PULSE = 0.05  # seconds after which whoever waits looks again, at the most


class Leading:
    """The threads that wait for something of one pool. Any thread may call anything."""

    def __init__(self) -> None:
        self._turn = _engine.Turn()  # who has it leads
        self._bells: deque[threading.Lock] = deque()  # of the followers, each held until it rings
        self._within: list[None] = []  # one for each wait of the leader's within its leading
        self._thread: threading.Thread | None = None
        self._starting = threading.RLock()  # a signal handler may come here, too
        self._make_way = False
        self.ended = False

    def _take_in(self, until: float) -> None:
        """Takes in what has come; where nothing has, waits for it till that time (of
        time.monotonic), or for a shorter while. One thread at a time calls it, and a signal handler
        of that thread."""
        raise NotImplementedError

    def wait(self, is_done: Callable[[], bool], timeout: float | None) -> bool:
        """Until `is_done`, whose answer changes when something is taken in: true. False at the
        time-out, or where all has ended meanwhile."""
        deadline = inf if timeout is None else monotonic() + timeout
        if self._turn.is_mine():
            return self._wait_within(is_done, deadline)
        while not is_done():
            if self.ended or (timeout is not None and monotonic() >= deadline):
                self.poll()
                return is_done()
            if self._make_way or not self._try(lambda: self._lead(is_done, deadline)):
                self._follow(lambda: self._is_led(is_done), min(PULSE, deadline - monotonic()))
        return True

    def _wait_within(self, is_done: Callable[[], bool], deadline: float) -> bool:
        """For a signal handler of the leader, or a callback. It goes on where another thread is to
        lead for good: that cannot before this is done."""
        self._within.append(None)
        try:
            while not (is_done() or self.ended or monotonic() >= deadline):
                self._take_in(deadline)
                self._ring()
        finally:
            self._within.pop()
        if not is_done():
            self.poll()
        return is_done()

    def _is_led(self, is_done: Callable[[], bool]) -> bool:
        """Whether somebody takes in, or is about to, what is still wanted."""
        return (self._turn.is_taken() or self._make_way) and not is_done()

    def poll(self) -> None:
        """Takes in what has come, without waiting."""
        if not self.ended:
            self._try(lambda: self._take_in(0.0))

    def _is_all_done(self) -> bool:
        """Nothing will come any more."""
        raise NotImplementedError

    def lead_in_a_thread(self) -> None:
        """From now on a thread of the pool takes in what comes, until all is done."""
        if self._thread is not None:
            return
        with self._starting:
            if self._thread is None:
                thread = threading.Thread(target=self._lead_for_good, daemon=True)
                thread.start()
                self._thread = thread

    def _leads_for_good(self) -> bool:
        """Whether this is the thread that does."""
        return threading.current_thread() is self._thread

    def join_leader(self) -> None:
        """Waits for the thread that leads for good, if there is one."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _try(self, lead: Callable[[], None]) -> bool:
        """False where another thread leads."""
        if self._turn.is_mine():  # a signal handler or a callback of the leader waits, too
            lead()
            return True
        try:
            return self._turn.take(lead)
        finally:
            if not self._turn.is_taken():
                self._ring()

    def _lead(self, is_done: Callable[[], bool], deadline: float) -> None:
        while not (is_done() or self.ended or self._make_way or monotonic() >= deadline):
            self._take_in(deadline)
            self._ring()

    def _lead_for_good(self) -> None:
        def lead() -> None:
            self._make_way = False
            self._lead(self._is_all_done, inf)

        self._make_way = True
        while not self._leads(lead):
            self._follow(self._turn.is_taken, PULSE)

    def _leads(self, lead: Callable[[], None]) -> bool:
        """Whether it could, to the end."""
        try:
            return self._try(lead)
        except KeyboardInterrupt:  # an answer's own doing; signals are the main thread's
            return False

    def _follow(self, is_to_wait: Callable[[], bool], patience: float) -> None:
        """Waits until the leader has told something, or is none any more; so long at most. What a
        signal handler leaves here by an exception is a bell that rings for nobody."""
        bell = threading.Lock()
        bell.acquire()
        self._bells.append(bell)
        # Who leads rings after it has told, and after it has released: one of both sees the other.
        if not (is_to_wait() and bell.acquire(timeout=max(patience, 0))):
            with suppress(ValueError):  # it rings at this moment
                self._bells.remove(bell)

    def _ring(self) -> None:
        while self._bells:
            with suppress(IndexError):  # another thread has rung it
                self._bells.popleft().release()
