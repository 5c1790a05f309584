"""Loaded by the template of a forkserver, so that its children have what each would have to load.

Also sees to it that the socket by which the template is called leaves no name behind: its parent
removes that at its end, but not when it is killed. The template ends after all that may call it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import time
from multiprocessing import forkserver, util

from . import _birth  # noqa: F401

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
