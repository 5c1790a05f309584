"""Processes that are started and joined, by a program in an interpreter of its own.

There is one template of a forkserver in a program, and its children are as whoever started it has
made it: two modules in one program would be measured with the template of the first.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.program import Program, WrongAnswerError

PROBE = Path(__file__).with_name("starting_probe.py")


class Starts(Program):
    """A process that does nothing, started and joined."""

    def __init__(self, module: Any, start_method: str, *preloaded: str) -> None:
        super().__init__()
        self.probe = subprocess.Popen(
            [sys.executable, str(PROBE), module.__name__, start_method, *preloaded],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def check(self) -> None:
        self.run(1)

    def run(self, calls: int) -> float:
        assert self.probe.stdin is not None and self.probe.stdout is not None
        self.probe.stdin.write(f"{calls}\n")
        self.probe.stdin.flush()
        answer = self.probe.stdout.readline()
        if not answer:
            _, said = self.probe.communicate()
            raise WrongAnswerError((said.strip().splitlines() or ["no reason given"])[-1])
        return float(answer)

    def stop(self) -> None:
        self.probe.communicate()

    def abandon(self) -> None:
        self.probe.kill()
        self.probe.communicate()
