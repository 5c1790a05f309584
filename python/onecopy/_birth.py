"""What a child of Onecopy does before what stock's bootstrap does."""

from __future__ import annotations

import contextlib
import faulthandler
import sys
from multiprocessing import process

from . import _engine, _family, _lifeline, _processors, _signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from ._family import Detachable
    from ._processors import Share

# A private name of stock, the same in all versions.
_original_directory: Any = process.__dict__["ORIGINAL_DIR"]


def share_of(process_obj: Any) -> Share | None:
    """What a pool has given its worker of the processors; None for other processes."""
    share: Share | None = getattr(process_obj, "_onecopy_share", None)
    return share


def live(process_obj: Any, parent_sentinel: int | None) -> int:
    """Runs the process object in a child. Returns the exit code."""
    _tell_of_crashes()
    _engine.want_allocator()
    code: int = process_obj._bootstrap(parent_sentinel)
    _engine.leave_locks_held()
    return code


def _tell_of_crashes() -> None:
    """Has faulthandler say on stderr where this child was when a fatal signal ends it.

    Not where somebody sees to such signals already: faulthandler itself, told so by the parent, or
    a library, which may live on SIGSEGV (the JVM does)."""
    if _engine.handles_crashes():
        return
    with contextlib.suppress(OSError, ValueError, AttributeError, RuntimeError):  # no usable stderr
        faulthandler.enable()


class Forked:
    """Stands for the process object in stock's way of forking."""

    def __init__(
        self,
        process_obj: Any,
        lifeline: _lifeline.Lifeline | None,
        mask: _signals.Mask,
    ) -> None:
        self._process_obj = process_obj
        self._lifeline = lifeline
        self._mask = mask  # of signals, as it is to be

    def _bootstrap(self, parent_sentinel: int | None = None) -> int:
        _signals.restore(self._mask)
        _processors.use(share_of(self._process_obj))
        if self._lifeline is not None:
            _lifeline.arm(self._lifeline.armed)
        return live(self._process_obj, parent_sentinel)


class Sent:
    """Stands for the process object in stock's way of starting afresh, which pickles two things for
    the child: first a dictionary with the name in it, then the process object."""

    def __init__(self, process_obj: Any, name: EnteringName) -> None:
        self._process_obj = process_obj
        self._name = name

    def __reduce__(self) -> tuple[Callable[..., Received], tuple[Any, ...]]:
        return Received, (self._process_obj,)


class Received:
    """The process object in a child that started afresh."""

    def __init__(self, process_obj: Any) -> None:
        self._process_obj = process_obj
        _family.release_surplus()  # everything that came with the process object is open by now

    def _bootstrap(self, parent_sentinel: int | None = None) -> int:
        return live(self._process_obj, parent_sentinel)


# Evaluated in the child before anything else of its parent's is. The path comes first, as the
# parent may have found this package through it; stock sets it a moment later all the same.
_ENTER = (
    "(__import__('sys').__dict__.update(path=path),"
    " __import__('onecopy._birth', fromlist=['enter']).enter(place, lifeline, ways, share),"
    " name)[-1]"
)


class EnteringName(str):
    """The name of a process, whose unpickling makes the child a member of the family: the name is
    among the first things a child unpickles, before its main module is imported."""

    place: tuple[str, Detachable, int, int]
    lifeline: Detachable | None = None
    share: Share | None = None

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        path = [(_original_directory or "") if entry == "" else entry for entry in sys.path]
        surroundings = {
            "path": path,
            "place": self.place,
            "lifeline": self.lifeline,
            "ways": _ways(),
            "share": self.share,
            "name": str(self),
        }
        return eval, (_ENTER, surroundings)


def _ways() -> list[str]:
    """What of this package has changed stock's in this process, and is to do so in a child."""
    from . import install

    met = f"{__package__}.connection" in sys.modules
    return ["connection"] * met + ["install"] * install.installed


def enter(
    place: tuple[str, Detachable, int, int],
    lifeline: Detachable | None,
    ways: list[str],
    share: Share | None,
) -> None:
    """In the child: take the reserved place, and be what the parent is."""
    _processors.use(share)
    if lifeline is not None:
        _lifeline.arm(lifeline.detach())
    _family.adopt(*place)
    if "connection" in ways:
        from . import connection  # noqa: F401
    if "install" in ways:
        from .install import install

        install()
