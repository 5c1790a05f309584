"""Pools within pools. A daemon, as every worker is, has no children under stock, because nobody
would end them with it; the workers of a pool end with their parent, however that goes."""

from __future__ import annotations

from multiprocessing import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_stock: Any = process


def start(worker: Any) -> None:
    """Starts the worker of a pool, in whatever process. Raises what its `start` raises."""
    if not process.current_process().daemon:
        worker.start()
        return
    # What stock's does, but for the refusal.
    _stock._cleanup()
    worker._popen = worker._Popen(worker)
    worker._sentinel = worker._popen.sentinel
    del worker._target, worker._args, worker._kwargs
    _stock._children.add(worker)
