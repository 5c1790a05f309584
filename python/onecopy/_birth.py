"""What a child of Onecopy does before and after what stock's bootstrap does."""

from __future__ import annotations

import atexit
import sys
import threading
from multiprocessing import process, util

from . import _engine, _family, _lifeline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from ._family import Detachable

# Private names of stock, the same in all versions.
_exit_function: Any = util.__dict__["_exit_function"]
_original_directory: Any = process.__dict__["ORIGINAL_DIR"]

# Since 3.13 a forked child runs its atexit functions after the bootstrap.
_EXIT_FUNCTIONS_COME_LAST = sys.version_info >= (3, 13)


def live(process_obj: Any, parent_sentinel: int | None) -> int:
    """Runs the process object in a forked child, and leaves the family in good order at the end.
    Returns the exit code."""
    _engine.want_allocator()
    if _EXIT_FUNCTIONS_COME_LAST:
        # The last registered runs first: ours after the finalizers of multiprocessing.
        atexit.unregister(_exit_function)
        atexit.register(_leave)
        atexit.register(_exit_function)
    code: int = process_obj._bootstrap(parent_sentinel)
    if not _EXIT_FUNCTIONS_COME_LAST:
        _leave()
    return code


def _leave() -> None:
    # Another thread may be in the middle of a get: to its family this process then simply dies,
    # and what it was getting goes to the next who asks.
    if threading.active_count() == 1:
        _engine.leave_family()


class Forked:
    """Stands for the process object in stock's way of forking."""

    def __init__(self, process_obj: Any, lifeline: _lifeline.Lifeline | None) -> None:
        self._process_obj = process_obj
        self._lifeline = lifeline

    def _bootstrap(self, parent_sentinel: int | None = None) -> int:
        if self._lifeline is not None:
            _lifeline.arm(self._lifeline.armed)
        return live(self._process_obj, parent_sentinel)


class Sent:
    """Stands for the process object in stock's way of starting afresh, which pickles two things for
    the child: first a dictionary with the name in it, then the process object."""

    def __init__(self, process_obj: Any, name: EnteringName, forked: bool) -> None:
        self._process_obj = process_obj
        self._name = name
        self._forked = forked

    def __reduce__(self) -> tuple[Callable[..., Received], tuple[Any, ...]]:
        return Received, (self._process_obj, self._forked)


class Received:
    """The process object in a child that started afresh."""

    def __init__(self, process_obj: Any, forked: bool) -> None:
        self._process_obj = process_obj
        self._forked = forked
        _family.release_surplus()  # everything that came with the process object is open by now

    def _bootstrap(self, parent_sentinel: int | None = None) -> int:
        if self._forked:
            return live(self._process_obj, parent_sentinel)
        _engine.want_allocator()
        return self._process_obj._bootstrap(parent_sentinel)  # type: ignore[no-any-return]


# Evaluated in the child before anything else of its parent's is. The path comes first, as the
# parent may have found this package through it; stock sets it a moment later all the same.
_ENTER = (
    "(__import__('sys').__dict__.update(path=path),"
    " __import__('onecopy._birth', fromlist=['enter']).enter(place, lifeline, installed), name)[-1]"
)


class EnteringName(str):
    """The name of a process, whose unpickling makes the child a member of the family: the name is
    among the first things a child unpickles, before its main module is imported."""

    place: tuple[str, Detachable, int, int]
    lifeline: Detachable | None = None

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        from . import install

        path = [_original_directory if entry == "" else entry for entry in sys.path]
        surroundings = {
            "path": path,
            "place": self.place,
            "lifeline": self.lifeline,
            "installed": install.installed,
            "name": str(self),
        }
        return eval, (_ENTER, surroundings)


def enter(
    place: tuple[str, Detachable, int, int], lifeline: Detachable | None, installed: bool
) -> None:
    """In the child: take the reserved place, and be what the parent is."""
    if lifeline is not None:
        _lifeline.arm(lifeline.detach())
    _family.adopt(*place)
    if installed:
        from .install import install

        install()
