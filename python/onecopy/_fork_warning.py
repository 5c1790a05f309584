"""The warning that a fork in a process of several threads may leave its child waiting for ever.

Python gives it since 3.12, and does not say which threads; here all versions do. Where it is
Python's, a filter that stands there for the time of the fork catches it, and gives it with their
names.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings

from . import _engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _warn(text: str) -> None:
    """Warns of the fork, which is what called the function that calls this. An error has nowhere to
    go, since the child is there: Python drops its own, too."""
    with contextlib.suppress(DeprecationWarning):
        warnings.warn(f"{text} {_other_threads()}", DeprecationWarning, stacklevel=3)


def _other_threads() -> str:
    names = [thread.name for thread in _threads_of_python()]
    nameless = _number_of_threads() - 1 - len(names)
    if nameless > 0:
        names.append(f"{nameless} that Python did not start")
    return f"Other threads: {', '.join(names)}."


def _threads_of_python() -> list[Any]:
    """Those that live beside this one. Takes no lock: a signal handler that forks may have
    interrupted who holds it."""
    threading: Any = sys.modules.get("threading")
    if threading is None:
        return []
    living = [*threading._active.values(), *threading._limbo.values()]
    this = threading.get_ident()
    return [thread for thread in living if thread.ident != this]


def _number_of_threads() -> int:
    """All that the system has for this process, as Python counts them, but for the engine's."""
    return _engine.thread_count() or 1 + len(_threads_of_python())


# -- before Python 3.12 ---------------------------------------------------------------------------


def _warn_in_parent() -> None:
    caller = sys._getframe(1).f_globals.get("__name__")
    # With a preexec_fn subprocess runs Python between fork and exec; of that nobody warns.
    if _number_of_threads() > 1 and caller != "subprocess":
        _warn(
            f"This process (pid={os.getpid()}) is multi-threaded,"
            f" use of {'forkpty' if caller == 'pty' else 'fork'}() may lead to deadlocks in the"
            " child."
        )


# -- since Python 3.12 ----------------------------------------------------------------------------


class _Catcher:
    """Stands in a filter in the place of the pattern of a text."""

    def match(self, text: str) -> bool:
        if not text.endswith("() may lead to deadlocks in the child."):
            return False
        _stop_catching()
        if _number_of_threads() > 1:
            _warn(text)
        return True


_filter: Any = ("ignore", _Catcher(), DeprecationWarning, None, 0)
_filters: list[Any] = []  # which have it now


def _catch() -> None:
    global _filters
    _stop_catching()
    _filters = warnings.filters  # type: ignore[assignment]
    # Behind the module's back: what was shown once is not to be shown again for this.
    _filters.insert(0, _filter)


def _stop_catching() -> None:
    if _filter in _filters:
        _filters.remove(_filter)


if sys.version_info >= (3, 12):
    # Python warns before it calls what is to be called in the parent, or, since 3.13, after that.
    os.register_at_fork(
        before=_engine.beside_threads(_catch),
        after_in_child=_engine.keeping_interrupts(_stop_catching),
    )
else:
    os.register_at_fork(after_in_parent=_engine.beside_threads(_warn_in_parent))
