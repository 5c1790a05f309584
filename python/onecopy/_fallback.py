"""What `import onecopy` gives where the engine does not run: the stock modules themselves."""

import contextlib
import sys
import warnings
from importlib import import_module
from typing import Any

# The modules of this package that replace stock ones; all others re-export on any system.
REPLACED = (
    "connection",
    "context",
    "heap",
    "managers",
    "pool",
    "popen_fork",
    "popen_forkserver",
    "popen_spawn_posix",
    "popen_spawn_win32",
    "queues",
    "reduction",
    "shared_memory",
    "sharedctypes",
    "synchronize",
)


def use_stock_modules(package: str) -> Any:
    """Puts stock modules in place of those that need the engine; gives stock's default context."""
    warnings.warn(
        f"Onecopy runs on Linux only so far: on {sys.platform} its names are those of the stock"
        " multiprocessing, and nothing is faster",
        RuntimeWarning,
        stacklevel=3,
    )
    for name in REPLACED:
        with contextlib.suppress(ImportError):  # no system has all of them
            sys.modules[f"{package}.{name}"] = import_module(f"multiprocessing.{name}")
    return sys.modules[f"{package}.context"].__dict__["_default_context"]


def memory() -> dict[str, Any]:
    """There is no memory of a family to tell of: raises NotImplementedError."""
    raise NotImplementedError(
        f"Onecopy runs on Linux only so far, and has no memory on {sys.platform}"
    )


def share(*_arguments: Any, **_options: Any) -> Any:
    """There is no shared memory for arrays: raises NotImplementedError."""
    raise NotImplementedError(
        f"Onecopy runs on Linux only so far, and has no shared arrays on {sys.platform}"
    )


empty = full = zeros = share


def find(*_arguments: Any, **_options: Any) -> Any:
    """There is no family to join or to find things in: raises NotImplementedError."""
    raise NotImplementedError(
        f"Onecopy runs on Linux only so far, and programs cannot meet on {sys.platform}"
    )


Door = join = publish = published = withdraw = find


def install_allocator() -> bool:
    """False: arrays stay where NumPy makes them."""
    return False
