"""Loaded by the template of a forkserver after all that it preloads, so that its children have what
each would have to load.

Also gives each of them random numbers of its own, and sees to it that the socket by which the
template is called leaves no name behind: its parent removes that at its end, but not when it is
killed. The template ends after all that may call it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import time
import typing  # noqa: F401  (stock's children have it, and many a main module asks for it)
from multiprocessing import (
    forkserver,
    popen_forkserver,  # noqa: F401
    util,
)

from . import (
    _birth,  # noqa: F401
    _engine,
    _preloading,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_state: Any = forkserver._forkserver
_pid, _parent = os.getpid(), os.getppid()


def _remove_name_of_orphan() -> None:
    if os.getpid() != _pid or not _lost_parent():
        return
    name = _state._forkserver_address
    if name is None or util.is_abstract_socket_namespace(name):
        return
    with contextlib.suppress(OSError):
        os.unlink(name)
    with contextlib.suppress(OSError):  # others may have names there
        os.rmdir(os.path.dirname(name))


def _lost_parent() -> bool:
    # What tells a template of its parent's end comes a moment before that end.
    for _ in range(20):
        if os.getppid() != _parent:
            return True
        time.sleep(0.01)
    return False


atexit.register(_remove_name_of_orphan)


def _draw_anew() -> None:
    """NumPy's stream as it would be had the child imported NumPy itself; Python's own does that.

    A stream that the template's modules gave a seed is the same in each child, as it would be then.
    """
    random: Any = sys.modules.get("numpy.random")
    if random is None:
        return
    generator = random.mtrand._rand._bit_generator
    if getattr(generator, "_seed_seq", None) is not None:  # None: seeded by the program
        random.seed()


os.register_at_fork(after_in_child=_engine.keeping_interrupts(_draw_anew))
_preloading.end()
