"""What the parent's side of a child has in common for all start methods."""

from __future__ import annotations

import contextlib
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

    def poll(self, flag: int = os.WNOHANG) -> Any:
        if self.returncode is None:
            self._find_end(flag)
            if self.returncode is not None:
                if self._ends is not None:
                    self._ends.cut_lifeline()
                _engine.reclaim_dead()
        return self.returncode

    def _find_end(self, flag: int) -> None:
        """Notes how the child has ended, once it has; any number of threads may."""
        try:
            end = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | flag)
        except ChildProcessError:
            # Waited for by others, or by the kernel, where SIGCHLD is ignored: it is lost.
            if self.returncode is None:
                self.returncode = 255
            return
        if end is None:
            return
        with _signals.HeldBack():
            # Ahead of waiting for it: a thread that finds no such child any more finds this.
            exited = end.si_code == os.CLD_EXITED
            self.returncode = end.si_status if exited else -end.si_status
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, os.WNOHANG)

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
