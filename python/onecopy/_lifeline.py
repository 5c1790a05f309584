"""What ends a child with its parent: daemons, workers of pools and executors, servers of managers.

The parent keeps one end of a socket pair; when it closes, because the parent died, the kernel kills
the child, be it busy or asleep. Other children live on, as under stock.
"""

from __future__ import annotations

import os
from multiprocessing import process

from . import _engine

# Functions that serve nobody once their parent is gone: (module, qualified name).
SERVANTS = {
    ("multiprocessing.pool", "worker"),
    ("multiprocessing.managers", "BaseManager._run_server"),
    ("onecopy.managers", "BaseManager._run_server"),
    ("concurrent.futures.process", "_process_worker"),
}


def dies_with_parent(process_obj: process.BaseProcess) -> bool:
    """Whether a child is to be gone as soon as its parent is."""
    if process_obj.daemon:
        return True
    target = getattr(process_obj, "_target", None)
    return (
        getattr(target, "__module__", None),
        getattr(target, "__qualname__", None),
    ) in SERVANTS


class Lifeline:
    """Both ends, in a parent about to start a child. OSError where descriptors have run out."""

    def __init__(self) -> None:
        self.kept, self.armed = _engine.lifeline_pair()

    @classmethod
    def of(cls, process_obj: process.BaseProcess) -> Lifeline | None:
        """The lifeline of a child that needs one."""
        return cls() if dies_with_parent(process_obj) else None

    def drop(self) -> None:
        """No child was started."""
        os.close(self.armed)
        _engine.close_lifeline(self.kept)


def arm(descriptor: int) -> None:
    """In the child: die when the other end closes. The descriptor stays open for good."""
    os.set_inheritable(descriptor, False)
    _engine.arm_lifeline(descriptor)
