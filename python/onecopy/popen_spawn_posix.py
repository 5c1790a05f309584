"""Starting a process in a fresh interpreter."""

from __future__ import annotations

from multiprocessing import popen_spawn_posix as _stock

from . import _names
from ._watch import StartedAfresh

__all__ = ["Popen"]

__getattr__ = _names.names_of(_stock, __name__)


class Popen(StartedAfresh, _stock.Popen):
    """A child that execs the interpreter."""
