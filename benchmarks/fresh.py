"""What is measured in an interpreter of its own, so that nothing else has touched it before."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from benchmarks.program import Program, WrongAnswerError


def answer_of(module: str, *arguments: str, timeout: float | None = None) -> dict[str, Any]:
    """What `python -m module arguments` prints, which is JSON. RuntimeError: why it failed."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode != 0:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no reason given"])[-1])
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


class First(Program):
    """Every call starts a fresh interpreter, which times the first one of its life."""

    def __init__(self, module: str, *arguments: str) -> None:
        super().__init__()
        self.module, self.arguments = module, arguments

    def check(self) -> None:
        self.run(1)

    def run(self, calls: int) -> float:
        return sum(self.once() for _ in range(calls))

    def once(self) -> float:
        answer = answer_of(self.module, *self.arguments, timeout=120)
        if not answer["same"]:
            raise WrongAnswerError("the answer differs from what was expected")
        return float(answer["seconds"])
