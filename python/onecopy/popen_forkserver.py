"""Starting a process by having a clean template fork it."""

from __future__ import annotations

from multiprocessing import forkserver, process
from multiprocessing import popen_forkserver as _stock

from . import _family
from . import _stock as _names
from ._watch import StartedAfresh

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Popen"]

__getattr__ = _names.names_of(_stock, __name__)


class Popen(StartedAfresh, _stock.Popen):
    """A child of the template, which is a child of the first process that asked for it."""

    forked = True

    def _launch(self, process_obj: process.BaseProcess) -> None:
        if _template._forkserver_pid is None:
            _family.start_template(_ensure_running, lambda: _template._forkserver_pid)
        super()._launch(process_obj)


_template: Any = forkserver._forkserver


def _ensure_running() -> None:
    """Has the template running, loaded with what each of its children would have to load."""
    wanted = _template._preload_modules
    _template._preload_modules = [*wanted, "onecopy._birth"]
    try:
        _template.ensure_running()
    finally:
        _template._preload_modules = wanted
