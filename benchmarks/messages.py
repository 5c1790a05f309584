"""What the rows send, and how to tell that it arrived unharmed."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

KB = 1000
MB = 1000 * KB
GB = 1000 * MB


def array(size: int) -> np.ndarray:
    """`size` bytes of random doubles."""
    return np.random.default_rng(1).random(size // 8)


def small_dict() -> dict[str, Any]:
    return {"task": 7, "name": "north", "weight": 0.5}


def large_dict(entries: int) -> dict[str, int]:
    return {f"entry {number}": number for number in range(entries)}


def floats(count: int, seed: int) -> list[float]:
    generator = random.Random(seed)
    return [generator.random() for _ in range(count)]


def frame_of_numbers(size: int) -> Any:
    """A DataFrame of `size` bytes: eight columns of random doubles."""
    import pandas

    return pandas.DataFrame(array(size).reshape(-1, 8), columns=list("abcdefgh"))


def frame_of_strings(count: int) -> Any:
    """A DataFrame of one column of different strings."""
    import pandas

    return pandas.DataFrame({"text": [f"string {number}" for number in range(count)]})


def same(sent: Any, received: Any) -> bool:
    if isinstance(sent, np.ndarray):
        return sent.dtype == received.dtype and np.array_equal(sent, received)
    if hasattr(sent, "equals"):
        return bool(sent.equals(received))
    return bool(type(sent) is type(received) and sent == received)
