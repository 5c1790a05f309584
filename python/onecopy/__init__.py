"""The multiprocessing API on the Onecopy engine, name for name and default for default.

`import onecopy as mp` in place of `import multiprocessing as mp`. What is deliberately different is
listed, with the reasons, in docs/differences.md. On anything but Linux the names are the stock
ones, and importing says so once.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    # First: of two that have a name a type checker keeps the first.
    from ._awaitable import JoinableQueue as JoinableQueue
    from ._awaitable import Queue as Queue
    from ._awaitable import SimpleQueue as SimpleQueue

    # isort: split
    from multiprocessing import *  # type: ignore[assignment]  # noqa: F403
    from typing import Any

    from ._door import Door as Door
    from ._door import join as join
    from ._executor import Executor as Executor
    from ._publishing import find as find
    from ._publishing import publish as publish
    from ._publishing import published as published
    from ._publishing import withdraw as withdraw
    from ._share import empty as empty
    from ._share import full as full
    from ._share import share as share
    from ._share import zeros as zeros
    from ._worker_died import WorkerDied as WorkerDied

    __version__: str

if sys.platform == "linux":
    from . import _narrowing, context

    _narrowing.watch()
    _default = context._default_context
else:
    from . import _fallback

    _default = _fallback.use_stock_modules(__name__)

__all__ = [name for name in dir(_default) if not name.startswith("_")]
globals().update((name, getattr(_default, name)) for name in __all__)
__all__ += ["__version__", "install_allocator", "memory"]
if sys.platform == "linux":
    __all__ += ["Executor", "WorkerDied"]

# Not in __all__: `from onecopy import *` must not take NumPy's names from who has those.
_SHARED_ARRAYS = {"empty", "full", "share", "zeros"}

# Nor these, which programs have names of their own for.
_BETWEEN_PROGRAMS = {
    "Door": "_door",
    "find": "_publishing",
    "join": "_door",
    "publish": "_publishing",
    "published": "_publishing",
    "withdraw": "_publishing",
}

_BESIDE_POOLS = {"Executor": "_executor", "WorkerDied": "_worker_died"}

# Modules that a program finds in the stock package at once, or when it has made a queue or a pool.
_SUBMODULES = {
    "connection",
    "heap",
    "managers",
    "pool",
    "process",
    "queues",
    "reduction",
    "resource_sharer",
    "resource_tracker",
    "shared_memory",
    "sharedctypes",
    "spawn",
    "synchronize",
    "util",
}

SUBDEBUG = 5
SUBWARNING = 25


def memory() -> dict[str, Any]:
    """Who holds what of the memory that this program and everything it started share. Bytes, where
    nothing else is said; a snapshot.

    in_use, blocks_in_use     what messages and received arrays take up, and in how many blocks
    queued, queued_blocks     the part of it that lies in queues and pipes
    frozen                    the part of it that processes share since a fork
    shared                    the part of it that is one and the same for all who hold it: locks,
                              shared arrays
    warm                      free, with its pages kept for what comes next
    resident                  what the system has given: in_use and warm together
    highest_resident          the most that this has been
    limit, limit_name         how much it may still become, and what sets that bound: free memory, a
                              cgroup, or ONECOPY_MEMORY_LIMIT in the environment of the program that
                              starts the rest ("512M", "4GiB")
    members                   a dict for each process: slot, pid (0 before it is born), living, and
                              the blocks and bytes it holds
    """
    from . import _engine, _family

    _family.join()
    return _engine.memory()


def install_allocator() -> bool:
    """Let the NumPy arrays that the calling thread makes from now on be born in shared memory, so
    that one which is sent as its last reference moves instead of being copied.

    In the processes that Onecopy starts this is so anyway. False where NumPy is not installed.
    """
    from . import _engine, _family

    _family.join()
    return _engine.install_allocator()


if sys.platform != "linux":
    from ._fallback import install_allocator, memory


def _load_engine() -> Any:
    """For whoever is the first to write `from . import _engine`. A Ctrl-C between the making and
    the filling of a module of nanobind's would end in SIGSEGV."""
    from importlib import import_module

    from ._signals import HeldBack

    with HeldBack():
        return import_module(f"{__name__}._engine")


def __getattr__(name: str) -> Any:
    # Got when asked for, so that importing loads no more than stock does.
    if name == "__version__":
        from importlib.metadata import version

        return version("onecopy")
    if name == "_engine" and sys.platform == "linux":
        return _load_engine()
    if name in _BESIDE_POOLS and sys.platform == "linux":
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_BESIDE_POOLS[name]}"), name)
    if name in _BETWEEN_PROGRAMS:
        from importlib import import_module

        home = _BETWEEN_PROGRAMS[name] if sys.platform == "linux" else "_fallback"
        return getattr(import_module(f"{__name__}.{home}"), name)
    if name in _SHARED_ARRAYS:
        if sys.platform == "linux":
            from . import _share as made_by
        else:
            from . import _fallback as made_by

        return getattr(made_by, name)
    if name in _SUBMODULES:
        from importlib import import_module

        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
