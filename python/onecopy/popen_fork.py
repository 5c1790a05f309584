"""Starting a process as a copy of this one."""

from __future__ import annotations

import os
import signal
from multiprocessing import popen_fork as _stock
from multiprocessing import process

from . import _birth, _engine, _family, _names, _signals, _stdin
from ._lifeline import Lifeline
from ._watch import Watched, check_descriptors

__all__ = ["Popen"]

__getattr__ = _names.names_of(_stock, __name__)


class Popen(Watched):
    """A forked child: the engine makes it a member in the fork itself."""

    def _launch(self, process_obj: process.BaseProcess) -> None:
        _family.join()
        # A fork itself cannot be refused: a child without a place would fail at its first message.
        _engine.release_place(*_engine.reserve_place())
        lifeline = Lifeline.of(process_obj)
        stdin = _stdin.Empty.made()
        # What a handler raises in a function that is called at a fork is lost, in the parent and in
        # the child: signals wait until both are past that.
        with _signals.HeldBack() as mask:
            try:
                check_descriptors()
                super()._launch(  # type: ignore[misc]
                    _birth.Forked(process_obj, lifeline, stdin, mask)
                )
            except BaseException:
                if lifeline is not None:
                    lifeline.drop()
                raise
            finally:
                if stdin is not None:
                    stdin.drop()
            self._keep_ends(process_obj, lifeline)
            if signal.SIGINT not in mask and _engine.interrupted_at_fork():
                # It went to all there were, and would leave this child alone on the machine.
                os.kill(self.pid, signal.SIGINT)
