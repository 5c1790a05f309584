"""What the parent's side of a child has in common for all start methods."""

from __future__ import annotations

import os
from multiprocessing import popen_fork, process, util

from . import _birth, _engine, _family
from ._lifeline import Lifeline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Watched(popen_fork.Popen):
    """Takes back what a child held as soon as it is found dead."""

    _cut_lifeline: util.Finalize | None = None

    def poll(self, flag: int = os.WNOHANG) -> Any:
        known = self.returncode is not None
        code = super().poll(flag)
        if code is not None and not known:
            if self._cut_lifeline is not None:
                self._cut_lifeline()
            _engine.reclaim_dead()
        return code

    def close(self) -> None:
        if self._cut_lifeline is not None:
            self._cut_lifeline()
        super().close()


class StartedAfresh(Watched):
    """Gives a child that shares nothing with its parent a place in the family.

    `forked` tells whether the child ends like a forked one, without the interpreter's end.
    """

    forked = False
    DupFd: Any

    def _launch(self, process_obj: process.BaseProcess) -> None:
        place = _family.Place.of(self)
        lifeline = None
        try:
            lifeline = Lifeline.of(process_obj)
            name = _birth.EnteringName(process_obj.name)
            name.place = place.passage()
            if lifeline is not None:
                name.lifeline = self.DupFd(self.duplicate_for_child(lifeline.armed))
            super()._launch(_birth.Sent(process_obj, name, self.forked))  # type: ignore[misc]
        except BaseException:
            if lifeline is not None:
                lifeline.drop()
            place.release()
            raise
        place.name(self.pid)
        if lifeline is not None:
            self._cut_lifeline = lifeline.hold(self)
