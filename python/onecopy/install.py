"""Making the stock package `multiprocessing` mean Onecopy in this process."""

from __future__ import annotations

import multiprocessing
import os
import sys

from . import _replacing
from . import context as _context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

installed = False

_stock: Any = multiprocessing.context


def install() -> None:
    """From now on `multiprocessing`, and what is imported from it, is on the engine here.

    The classes that other packages derive from (those of `queues` and `pool`) stay stock's, and so
    does everything that Onecopy has no version of. Processes started from here do the same. The
    environment variable ONECOPY_START (fork, spawn or forkserver) gives the default start method;
    the program may still set its own. Calling again does nothing. Where the engine does not run,
    all else stays stock's. ValueError: no such method.
    """
    global installed
    if installed:
        return
    _set_default_start_method()
    if sys.platform == "linux":
        _change_contexts()
        _replace_functions()
    installed = True


def _set_default_start_method() -> None:
    method = os.environ.get("ONECOPY_START")
    if not method:
        return
    if method not in _context._concrete_contexts:
        raise ValueError(f"ONECOPY_START is {method!r}; it must be fork, spawn or forkserver")
    _stock._default_context._default_context = _stock._concrete_contexts[method]


def _change_contexts() -> None:
    """Changes stock's classes in place: processes and contexts made before, and classes derived
    from them, are on the engine too, and pickle as what they are."""
    for name in (
        "Array",
        "Barrier",
        "BoundedSemaphore",
        "Condition",
        "Event",
        "JoinableQueue",
        "Lock",
        "Pipe",
        "Pool",
        "Queue",
        "RLock",
        "RawArray",
        "RawValue",
        "Semaphore",
        "SimpleQueue",
        "Value",
    ):
        setattr(_stock.BaseContext, name, getattr(_context._OnEngine, name))
        setattr(multiprocessing, name, getattr(_stock._default_context, name))
    for name in ("ForkProcess", "ForkServerProcess", "SpawnProcess"):
        start = getattr(_context, name)._Popen
        getattr(_stock, name)._Popen = staticmethod(start)


def _replace_functions() -> None:
    from multiprocessing import connection as stock_connection
    from multiprocessing import reduction as stock_reduction

    from . import _meeting, connection, reduction

    changed: tuple[tuple[Any, str, Any], ...] = (
        (stock_connection, "Pipe", connection.Pipe),
        (stock_connection, "wait", connection.wait),
        (stock_reduction, "send_handle", reduction.send_handle),
        (stock_reduction, "recv_handle", reduction.recv_handle),
        # Where it is loaded already, it has the old name in its own.
        (sys.modules.get("multiprocessing.pool"), "wait", connection.wait),
    )
    for module, name, function in changed:
        if module is not None:
            setattr(module, name, function)
    _replacing.replace_names(
        "multiprocessing.sharedctypes",
        "onecopy.sharedctypes",
        (
            "Array",
            "RawArray",
            "RawValue",
            "Value",
            "copy",
            "rebuild_ctype",
            "reduce_ctype",
            "synchronized",
        ),
    )
    _replacing.replace_names(
        "multiprocessing.shared_memory",
        "onecopy.shared_memory",
        ("ShareableList", "SharedMemory", "_make_filename"),
    )
    _replacing.replace_names(
        "multiprocessing.resource_tracker", "onecopy._keeping", ("register", "unregister")
    )
    _meeting.meet_everywhere()
