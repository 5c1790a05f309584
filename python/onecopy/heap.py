"""Where Array and Value get their memory: blocks of the arena instead of files.

A buffer goes to a child by inheritance, or by argument; the last process that has one frees it.
"""

from __future__ import annotations

import sys
from multiprocessing import heap as _stock

from . import _engine, _family, _names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["BufferWrapper"]

__getattr__ = _names.names_of(_stock, __name__)


class BufferWrapper:
    """`size` bytes of zeroed memory, the same for every process that has it."""

    def __init__(self, size: int) -> None:
        if size < 0:
            raise ValueError(f"Size {size:n} out of range")
        if sys.maxsize <= size:
            raise OverflowError(f"Size {size:n} too large")
        _family.join()
        self._block: Any = _engine.SharedBuffer._make_for_elements(size)

    def create_memoryview(self) -> memoryview:
        """A writable view of the bytes, which keeps them."""
        return memoryview(self._block)

    def __getstate__(self) -> tuple[Any, ...]:
        hold = _family.hold_for_receiver(self._block, type(self).__name__)
        return hold, *self._block._name()

    def __setstate__(self, state: tuple[Any, int, int]) -> None:
        _hold, block, time = state
        self._block = _engine.SharedBuffer._open(block, time)
