"""Starting a process by having a clean template fork it."""

from __future__ import annotations

import contextlib
import os
import threading
from multiprocessing import forkserver, process, spawn, util
from multiprocessing import popen_forkserver as _stock

from . import _engine, _family, _names, _preloading, _signals
from ._watch import StartedAfresh

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Popen"]

__getattr__ = _names.names_of(_stock, __name__)


class Popen(StartedAfresh, _stock.Popen):
    """A child of the template, which is a child of the first process that asked for it."""

    def _launch(self, process_obj: process.BaseProcess) -> None:
        with _starting:
            if not _is_running():
                _family.start_template(_ensure_running, lambda: _template._forkserver_pid)
        super()._launch(process_obj)

    def _find_end(self, flag: int) -> None:
        """The template tells, once: a thread that comes after the one that reads would find 255."""
        from multiprocessing.connection import wait

        if not wait([self.sentinel], 0 if flag == os.WNOHANG else None):
            return
        with _signals.HeldBack(), _reading:
            _stock.Popen.poll(self)


_template: Any = forkserver._forkserver
_starting = threading.RLock()  # one thread at a time: what the template is told is the process's
_reading = threading.RLock()


def _renew_locks() -> None:
    """In a forked child, where nobody may hold them any more."""
    global _starting, _reading
    _starting = threading.RLock()
    _reading = threading.RLock()


os.register_at_fork(after_in_child=_engine.keeping_interrupts(_renew_locks))


def _is_running() -> bool:
    pid = _template._forkserver_pid
    if pid is None:
        return False
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:  # that of our parent, who answers for it
        return True


def _ensure_running() -> None:
    """Has a template running, loaded with what each of its children would have to load."""
    # Without a process id of its own this is the name of the template that we were forked from.
    name_of_dead = _template._forkserver_address if _template._forkserver_pid is not None else None
    wanted = _template._preload_modules
    preload = _preloading.Preload(wanted or ())
    preload.main = spawn.get_preparation_data("").get("init_main_from_path")
    _template._preload_modules = preload
    try:
        _template.ensure_running()
    finally:
        _template._preload_modules = wanted
    if name_of_dead in (None, _template._forkserver_address):
        return
    if not util.is_abstract_socket_namespace(name_of_dead):
        with contextlib.suppress(OSError):
            os.unlink(name_of_dead)
