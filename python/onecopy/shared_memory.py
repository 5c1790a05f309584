"""Memory with a name: segments, and lists that lie in one."""

from __future__ import annotations

from multiprocessing import shared_memory as _stock

from . import _names
from ._segment import SharedMemory, _make_filename  # noqa: F401 (a name of stock's module)
from ._shareable_list import ShareableList

__all__ = ["SharedMemory", "ShareableList"]

SharedMemory.__module__ = ShareableList.__module__ = __name__

__getattr__ = _names.names_of(_stock, __name__)
