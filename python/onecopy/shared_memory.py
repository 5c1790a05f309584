"""Memory with a name: segments, and lists that lie in one."""

from __future__ import annotations

from multiprocessing import resource_tracker as _resource_tracker
from multiprocessing import shared_memory as _stock

from . import _keeping, _names
from ._segment import SharedMemory, _make_filename  # noqa: F401 (a name of stock's module)
from ._shareable_list import ShareableList

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["SharedMemory", "ShareableList"]

SharedMemory.__module__ = ShareableList.__module__ = __name__

# Programs call it for what they attach to; stock's is not told here, and would print an error.
_trackers: Any = _resource_tracker
_trackers.unregister = _keeping.unregister

__getattr__ = _names.names_of(_stock, __name__)
