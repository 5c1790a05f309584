"""What is measured of managers: setting an item of a dictionary that the manager keeps."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.exchanges import Exchange, WrongAnswerError


class ItemSet(Exchange):
    """`shared[key] = number` from the process that started the manager."""

    def __init__(self, context: Any) -> None:
        super().__init__()
        self._manager = context.Manager()
        self._shared = self._manager.dict()

    def check(self) -> None:
        self._shared["key"] = -1
        if self._shared["key"] != -1:
            raise WrongAnswerError("another item than was set")

    def run(self, calls: int) -> float:
        shared = self._shared
        begin = time.perf_counter()
        for number in range(calls):
            shared["key"] = number
        return time.perf_counter() - begin

    def stop(self) -> None:
        self._manager.shutdown()
