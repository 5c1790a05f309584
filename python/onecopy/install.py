"""Making the stock package `multiprocessing` mean Onecopy in this process."""

from __future__ import annotations

import multiprocessing
import os
import sys

from . import context as _context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

installed = False


def install() -> None:
    """From now on `multiprocessing`, and what is imported from it, is on the engine here.

    The classes that other packages derive from (those of `queues` and `pool`) stay stock's, and so
    does everything that Onecopy has no version of. Processes started from here do the same. The
    environment variable ONECOPY_START (fork, spawn or forkserver) gives the default start method;
    the program may still set its own. Calling again does nothing. ValueError: no such method.
    """
    global installed
    if installed:
        return
    _replace_contexts()
    _replace_functions()
    installed = True


def _replace_contexts() -> None:
    stock: Any = multiprocessing.context
    stock._concrete_contexts.update(_context._concrete_contexts)
    _context.take_over_state(_start_method())
    default = _context._default_context
    for name in (
        "DefaultContext",
        "ForkContext",
        "ForkProcess",
        "ForkServerContext",
        "ForkServerProcess",
        "Process",
        "SpawnContext",
        "SpawnProcess",
    ):
        setattr(stock, name, getattr(_context, name))
    stock._default_context = default
    for name in multiprocessing.__all__:
        setattr(multiprocessing, name, getattr(default, name))


def _start_method() -> str | None:
    method = os.environ.get("ONECOPY_START") or None
    if method is not None and method not in _context._concrete_contexts:
        raise ValueError(f"ONECOPY_START is {method!r}; it must be fork, spawn or forkserver")
    return method


def _replace_functions() -> None:
    from multiprocessing import connection as stock_connection
    from multiprocessing import reduction as stock_reduction

    from . import connection, reduction

    _replace(stock_connection, Pipe=connection.Pipe, wait=connection.wait)
    _replace(stock_reduction, send_handle=reduction.send_handle, recv_handle=reduction.recv_handle)
    # Modules that were loaded before have the old names in their own.
    for name, replaced in (("multiprocessing.pool", "wait"),):
        module = sys.modules.get(name)
        if module is not None:
            setattr(module, replaced, connection.wait)


def _replace(module: Any, **attributes: Any) -> None:
    for name, value in attributes.items():
        setattr(module, name, value)
