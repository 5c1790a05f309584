"""Waiting for a queue in event loops: no thread, and one reader in a loop for all who wait there.

A queue has a bell for those who get and one for those who put, descriptors that are readable as
long as there is something to get or room to put. Whoever finds neither stands in the line of its
event loop, and each ring gives the first of them a turn. Nothing changes hands by a turn: it is a
reason to try, and who tries in vain, because another process was quicker, keeps its place. So
nothing is lost with a task that is cancelled, before its turn or in it.
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


class Line:
    """Those who wait at one bell in one event loop."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, bell: int, is_worth_trying: Callable[[], bool]
    ) -> None:
        self._loop = loop
        self._is_worth_trying = is_worth_trying
        self._is_over = False
        self._turns: OrderedDict[object, asyncio.Future[None]] = OrderedDict()
        # A copy: the program may watch the bell itself, and closing the queue closes the bell.
        self._bell = os.dup(bell)
        try:
            loop.add_reader(self._bell, self._rung)
        except BaseException:
            os.close(self._bell)
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
        try:
            self._loop.remove_reader(self._bell)
        finally:
            os.close(self._bell)

    def end(self) -> None:
        """From whatever thread: all are to look at once, because the queue is closed."""
        self._is_over = True
        with suppress(RuntimeError):  # the loop is closed, and nobody waits in it
            self._loop.call_soon_threadsafe(self._give_all_a_turn)

    def _rung(self) -> None:
        try:
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
    is_worth_trying: Callable[[], bool],
    attempt: Callable[[], Any],
) -> Any:
    """What `attempt` gives, made as soon as there is neither queue.Empty nor queue.Full, and in
    turn with the others of this event loop."""
    loop = asyncio.get_running_loop()
    line = lines.get(loop)
    is_new = line is None
    if line is None:
        line = lines[loop] = Line(loop, bell(), is_worth_trying)
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
