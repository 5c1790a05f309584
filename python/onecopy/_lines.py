"""Waiting for a queue in event loops: no thread, and one reader in a loop for all who wait there.

A queue has a bell for those who get and one for those who put, descriptors that are readable as
long as there is something to get or room to put. Whoever finds neither stands in the line of its
event loop, and each ring gives the first of them a turn. Nothing changes hands by a turn: it is a
reason to try, and who tries in vain, because another process was quicker, keeps its place. So
nothing is lost with a task that is cancelled, before its turn or in it.

Who has found a queue by its name has no bell of it to ring or to hear. So where a queue has one,
its lines look from time to time as well. Who publishes it rings once to tell them; but whoever
gets or puts meanwhile may silence that ring before a loop hears it, so all lines look for a name,
seldom.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from contextlib import suppress
from queue import Empty, Full

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    Lines = dict[asyncio.AbstractEventLoop, "Line"]


# Seconds from one look to the next, where the queue has a name and where it has none.
_PAUSE = 0.01
_LONG_PAUSE = 1.0


class Line:
    """Those who wait at one bell in one event loop; a bell of -1 is none."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        bell: int,
        has_name: Callable[[], bool],
        is_worth_trying: Callable[[], bool],
    ) -> None:
        self._loop = loop
        self._has_name = has_name
        self._is_worth_trying = is_worth_trying
        self._is_named = has_name()
        self._looking: asyncio.TimerHandle | None = None
        self._is_over = False
        self._turns: OrderedDict[object, asyncio.Future[None]] = OrderedDict()
        # A copy: the program may watch the bell itself, and closing the queue closes the bell.
        self._bell = os.dup(bell) if bell >= 0 else -1
        try:
            if self._bell >= 0:
                loop.add_reader(self._bell, self._rung)
            self._look_later()
        except BaseException:
            self.close()
            raise

    def turn(self, place: object) -> asyncio.Future[None]:
        """The next turn of who has this place, which is a new one or an old one."""
        turn = self._turns[place] = self._loop.create_future()
        if self._is_over:
            turn.set_result(None)
        return turn

    def leave(self, place: object) -> bool:
        """Whether that was the last, and the line is to be closed."""
        self._turns.pop(place, None)
        return not self._turns

    def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        if self._bell < 0:
            return
        try:
            self._loop.remove_reader(self._bell)
        finally:
            os.close(self._bell)

    def end(self) -> None:
        """From whatever thread: all are to look at once, because the queue is closed."""
        self._is_over = True
        with suppress(RuntimeError):  # the loop is closed, and nobody waits in it
            self._loop.call_soon_threadsafe(self._give_all_a_turn)

    def _look_later(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        pause = _PAUSE if self._is_named else _LONG_PAUSE
        self._looking = self._loop.call_later(pause, self._look)

    def _look(self) -> None:
        self._look_later()
        self._rung()

    def _rung(self) -> None:
        try:
            if not self._is_named and self._has_name():
                self._is_named = True
                self._look_later()
            if not self._is_worth_trying():
                return  # somebody was here before, or died after ringing
        except (OSError, ValueError):
            pass  # closed: to be found out by who tries
        for turn in self._turns.values():
            if not turn.done():
                turn.set_result(None)
                return

    def _give_all_a_turn(self) -> None:
        for turn in self._turns.values():
            if not turn.done():
                turn.set_result(None)


async def in_line(
    lines: Lines,
    bell: Callable[[], int],
    has_name: Callable[[], bool],
    is_worth_trying: Callable[[], bool],
    attempt: Callable[[], Any],
) -> Any:
    """What `attempt` gives, made as soon as there is neither queue.Empty nor queue.Full, and in
    turn with the others of this event loop."""
    loop = asyncio.get_running_loop()
    line = lines.get(loop)
    is_new = line is None
    if line is None:
        line = lines[loop] = Line(loop, bell(), has_name, is_worth_trying)
    place = object()
    try:
        # Nobody told those of the line if the queue was closed before there was one.
        if is_new:
            with suppress(Empty, Full):
                return attempt()
        while True:
            await line.turn(place)
            with suppress(Empty, Full):
                return attempt()
    finally:
        if line.leave(place):
            del lines[loop]
            line.close()
