"""Pools: stock's, on processes and queues of the engine."""

from __future__ import annotations

from collections.abc import Iterable
from multiprocessing import pool as _stock
from multiprocessing.pool import ThreadPool

from . import _names
from .context import _default_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

__all__ = ["Pool", "ThreadPool"]

__getattr__ = _names.names_of(_stock, __name__)


class Pool(_stock.Pool):
    """multiprocessing.pool.Pool, whose default context is Onecopy's."""

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        context: Any = None,
    ) -> None:
        context = context or _default_context.get_context()
        super().__init__(processes, initializer, initargs, maxtasksperchild, context)
