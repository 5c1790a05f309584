"""What a child of Onecopy does before what stock's bootstrap does."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import operator
import sys
from multiprocessing import process, util

from . import _engine, _family, _main_module, _signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from ._family import Detachable
    from ._lifeline import Lifeline
    from ._processors import Share
    from ._stdin import Empty

# A private name of stock, the same in all versions.
_original_directory: Any = process.__dict__["ORIGINAL_DIR"]


def share_of(process_obj: Any) -> Share | None:
    """What a pool has given its worker of the processors; None for other processes."""
    share: Share | None = getattr(process_obj, "_onecopy_share", None)
    return share


def live(process_obj: Any, parent_sentinel: int | None) -> int:
    """Runs the process object in a child. Returns the exit code."""
    _engine.want_allocator()
    code: int = process_obj._bootstrap(parent_sentinel)
    # When finalizers have run and children were joined, which may wait for locks of this process's
    # threads. Here, so that no child pays for it at its start.
    if sys.version_info < (3, 13):
        _engine.leave_locks_held()
    else:
        util.Finalize(None, _engine.leave_locks_held, exitpriority=-100)
    return code


def tell_of_crashes(descriptor: int | None) -> None:
    """Has faulthandler say there where this process was when a fatal signal ends it."""
    if descriptor is not None:
        faulthandler.enable(descriptor)


def crash_descriptor() -> int | None:
    """Where a child is to tell of its crash: stderr.

    Not where somebody sees to such signals already: faulthandler itself, told so by the parent, or
    a library, which may live on SIGSEGV (the JVM does)."""
    if _engine.handles_crashes():
        return None
    with contextlib.suppress(OSError, ValueError, AttributeError):  # no usable stderr
        return sys.stderr.fileno()
    return None


class Forked:
    """Stands for the process object in stock's way of forking."""

    def __init__(
        self,
        process_obj: Any,
        lifeline: Lifeline | None,
        stdin: Empty | None,
        mask: _signals.Mask,
    ) -> None:
        self._process_obj = process_obj
        self._lifeline = lifeline
        self._stdin = stdin
        self._mask = mask  # of signals, as it is to be
        # Found out here, where that touches nothing that must be copied first.
        self._crash_descriptor = crash_descriptor()

    def _bootstrap(self, parent_sentinel: int | None = None) -> int:
        _signals.restore(self._mask)
        _use_processors(share_of(self._process_obj))
        if self._lifeline is not None:
            _arm_lifeline(self._lifeline.armed)
        if self._stdin is not None:
            self._stdin.give()
        tell_of_crashes(self._crash_descriptor)
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
        tell_of_crashes(crash_descriptor())
        return live(self._process_obj, parent_sentinel)


class _Call:
    """Unpickled as what the function returns, which is called then."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self._call


class EnteringName(str):
    """The name of a process, whose unpickling makes the child a member of the family: the name is
    among the first things a child unpickles, before its main module is imported."""

    place: tuple[str, Detachable, int, int]
    lifeline: Detachable | None = None
    share: Share | None = None

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        # The path comes first, as the parent may have found this package through it; stock sets it
        # a moment later all the same.
        path = [(_original_directory or "") if entry == "" else entry for entry in sys.path]
        set_path = _Call(setattr, _Call(__import__, "sys"), "path", path)
        entering = _Call(enter, self.place, self.lifeline, _ways(), self.share)
        return operator.getitem, ((set_path, entering, str(self)), 2)


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
    _use_processors(share)
    if lifeline is not None:
        _arm_lifeline(lifeline.detach())
    _family.adopt(*place)
    _main_module.stand_for_runpy()
    # What is there by now stays. Collections need not look at it, those at the very end neither,
    # nor copy it where it is still the template's.
    gc.freeze()
    if "connection" in ways:
        from . import connection  # noqa: F401
    if "install" in ways:
        from .install import install

        install()


# Loaded by those children alone that need them.


def _use_processors(share: Share | None) -> None:
    if share is not None:
        from . import _processors

        _processors.use(share)


def _arm_lifeline(descriptor: int) -> None:
    from . import _lifeline

    _lifeline.arm(descriptor)
