"""What the system says of a process: its parent, state, processor time, memory and command."""

from __future__ import annotations

import os
from dataclasses import dataclass

STATES = {
    "R": "running",
    "S": "asleep",
    "D": "disk",
    "T": "stopped",
    "t": "traced",
    "Z": "ended",
    "X": "ended",
    "I": "idle",
}


@dataclass(frozen=True)
class Process:
    parent: int
    state: str
    processor: float  # seconds, user and system, of all its threads
    started: float  # seconds after the start of the machine
    resident: int  # bytes, shared ones included
    command: str  # on one line


def look_at(pid: int) -> Process | None:
    """None where there is no such process, or nothing can be told."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name of the program stands in parentheses and may hold anything.
            fields = file.read().rpartition(b")")[2].split()
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().rstrip(b"\0").split(b"\0")
        ticks = os.sysconf("SC_CLK_TCK")
        return Process(
            parent=int(fields[1]),
            state=STATES.get(fields[0].decode(), "unknown"),
            processor=(int(fields[11]) + int(fields[12])) / ticks,
            started=int(fields[19]) / ticks,
            resident=int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
            command=" ".join(printable(os.fsdecode(word)) for word in words),
        )
    except (OSError, IndexError, ValueError):
        return None


def printable(text: str) -> str:
    """Without what would move the cursor, or could not be printed."""
    return "".join(character if character.isprintable() else "?" for character in text)
