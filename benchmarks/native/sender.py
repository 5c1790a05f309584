"""What ./bench native asks for arrays in its row `joined`: python -m benchmarks.native.sender DOOR
CORE BYTES. It does what the process of C++ does that is asked beside it (joined.hpp).
"""

from __future__ import annotations

import os
import queue
import sys
from typing import TYPE_CHECKING

import numpy as np

import onecopy as mp

if TYPE_CHECKING:
    from typing import Any

WHOLE = 1 << 62  # in a mark: every byte is to be compared (content.hpp)
FACTOR = np.uint64(0x9E3779B97F4A7C15)


def send(questions: mp.Queue[Any], arrays: mp.Queue[Any], size: int, parent: int) -> None:
    array = np.zeros(size // 8)
    words = array.view(np.uint64)
    offsets = np.arange(8, size - 8, 8, dtype=np.uint64)
    while (mark := next_of(questions, parent)) is not None:
        if mark & WHOLE:
            words[1:-1] = (offsets + np.uint64(mark)) * FACTOR
        words[0] = words[-1] = mark
        arrays.put(array)


def next_of(questions: mp.Queue[Any], parent: int) -> int | None:
    """Nothing at the end, and when who asks is gone: a process that has joined is no daemon."""
    while True:
        try:
            mark: int | None = questions.get(timeout=1)
            return mark
        except queue.Empty:
            if os.getppid() != parent:
                return None


def main() -> None:
    parent = os.getppid()
    door, core, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.sched_setaffinity(0, {core})
    mp.join(door, timeout=60)
    send(mp.find("questions"), mp.find("arrays"), size, parent)


if __name__ == "__main__":
    main()
