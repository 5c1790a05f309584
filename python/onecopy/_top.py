"""`onecopy top`: what a running program has of processes, pools, queues and memory."""

from __future__ import annotations

import io
import os
import sys
import time

from . import _engine
from ._families import Family, NotFoundError, families, family_of
from ._picture import Look, command_of, draw
from ._processes import look_at


def top(pid: int | None, once: bool, interval: float) -> int:
    """The exit code of the command. Raises NotFoundError."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # command lines hold anything
    family = family_of(pid) if pid is not None else _only_family()
    look = _look(family, [])
    if look is None:
        raise NotFoundError("the program has just ended")
    if once or not sys.stdout.isatty():
        print("\n".join(text for text, _ in draw(look)))
        return 0
    return _watch(family, look, interval)


def _only_family() -> Family:
    found = families()
    if not found:
        raise NotFoundError("no program of yours has memory of Onecopy at this moment")
    if len(found) > 1:
        lines = ["several programs run on Onecopy; which one? onecopy top PID"]
        for family in found:
            look = _look(family, [])
            if look is not None:
                lines.append(f"{_oldest(look, family):>9}  {command_of(look)}")
        raise NotFoundError("\n".join(lines))
    return found[0]


def _oldest(look: Look, family: Family) -> int:
    living = [member for member in look.snapshot["members"] if member["pid"] in look.processes]
    living.sort(key=lambda member: member["joined_at"])
    return living[0]["pid"] if living else family.pids[0]


def _look(family: Family, pids: list[int]) -> Look | None:
    """None where nobody has the family's memory any more. `pids` are members learnt of before.

    Raises NotFoundError where it is another version's."""
    descriptor = family.open(pids)
    if descriptor is None:
        return None
    try:
        snapshot = _engine.inspect(descriptor)
    except RuntimeError as error:
        raise NotFoundError(str(error)) from None
    finally:
        os.close(descriptor)
    if not any(member["living"] for member in snapshot["members"]):
        return None
    seen = ((member["pid"], look_at(member["pid"])) for member in snapshot["members"])
    processes = {pid: process for pid, process in seen if pid and process is not None}
    return Look(snapshot, processes, time.clock_gettime(time.CLOCK_BOOTTIME))


def _watch(family: Family, look: Look, interval: float) -> int:
    """Draws again and again, until a key or the end of the program ends it."""
    from ._screen import Quit, Screen

    screen = Screen()
    before = None
    try:
        with screen.opened():
            while True:
                due = time.monotonic() + interval
                screen.show(draw(look, before))
                while screen.wait(due - time.monotonic()):
                    screen.show(draw(look, before))
                following = _look(family, [member["pid"] for member in look.snapshot["members"]])
                if following is None:
                    break
                before, look = look, following
    except (KeyboardInterrupt, Quit):
        return 0
    print("onecopy top: the program has ended")
    return 0
