"""What the parent's side of a child has in common for all start methods."""

from __future__ import annotations

import os
from multiprocessing import popen_fork, process, util

from . import _birth, _engine, _family, _signals
from ._lifeline import Lifeline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


# For private names of stock, the same in all versions.
_process: Any = process
_util: Any = util


def check_descriptors() -> None:
    """OSError where there is no room for what is opened to start a process: by stock, three pipes,
    or two and a connection to the template; by the engine, in a fork, the guard of the child's
    place. When stock runs out in the middle it keeps what it has, by fork, and by forkserver ends
    the template, and with it all children of that. Without a guard, a child that is killed before
    its first instruction would keep its place (spawn is a fork, too, before Python 3.10)."""
    _engine.check_room_for_descriptors(7)


class Watched(popen_fork.Popen):
    """Takes back what a child held as soon as it is found dead."""

    finalizer: Any
    _ends: _engine.KeptEnds | None = None
    _is_child = True  # waited for by this process, not by the template

    def poll(self, flag: int = os.WNOHANG) -> Any:
        known = self.returncode is not None
        pollers: list[None] = self.__dict__.setdefault("_pollers", [])
        pollers.append(None)
        try:
            code = super().poll(flag)
        finally:
            pollers.pop()
        if code is None and self._is_child and _was_waited_for(self.pid):
            # By another thread that is about to say so; else how it ended is lost, as it is of a
            # template's child whose template was killed.
            if not pollers and self.returncode is None:
                self.returncode = 255
            code = self.returncode
        if code is not None and not known:
            if self._ends is not None:
                self._ends.cut_lifeline()
            _engine.reclaim_dead()
        return code

    def _keep_ends(self, process_obj: Any, lifeline: Lifeline | None) -> None:
        """Has the engine close what this process keeps of its child. Stock has a weak reference
        call back to do so, and another one to forget the process object for its own tests: a Ctrl-C
        would be lost in either."""
        self._ends = ends = _engine.KeptEnds()
        given = self.finalizer
        kept = -1 if lifeline is None else lifeline.kept
        ends.take(_util._finalizer_registry, given._key, given._args, kept)
        self.finalizer = ends
        given._weakref = None  # which would call it, and keeps it alive
        if lifeline is not None:
            os.close(lifeline.armed)
        _process._dangling.discard(process_obj)
        # As start() does in a moment: what a handler raises until then leaves a process that is
        # known.
        process_obj._popen = self
        process_obj._sentinel = self.sentinel
        _process._children.add(process_obj)


def _was_waited_for(pid: int) -> bool:
    """By others, or by the kernel, where SIGCHLD is ignored: how the child ended is lost."""
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


class StartedAfresh(Watched):
    """Gives a child that shares nothing with its parent a place in the family."""

    DupFd: Any

    def _launch(self, process_obj: process.BaseProcess) -> None:
        if _engine.SharedBuffer._are_there():
            from . import _share  # noqa: F401  (how shared arrays are pickled for the child)
        place = _family.Place.of(self)
        lifeline = None
        try:
            lifeline = Lifeline.of(process_obj)
            name = _birth.EnteringName(process_obj.name)
            name.place = place.passage()
            name.share = _birth.share_of(process_obj)
            if lifeline is not None:
                name.lifeline = self.DupFd(self.duplicate_for_child(lifeline.armed))
            check_descriptors()
            super()._launch(_birth.Sent(process_obj, name))  # type: ignore[misc]
            with _signals.HeldBack():
                self._keep_ends(process_obj, lifeline)
                lifeline = None
        except BaseException:
            if lifeline is not None:
                lifeline.drop()
            if self._ends is None:
                place.release()
            raise
        place.name(self.pid)
