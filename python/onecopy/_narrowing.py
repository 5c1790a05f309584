"""Libraries that bind the thread which loads them to fewer processors than it had.

Some of linear algebra do (a GotoBLAS, an OpenBLAS built with affinity, runtimes of OpenMP that are
told to bind), and every worker that is forked then runs on the one processor that was left. What
narrows the set while an extension module is loaded is such a library, and nobody's wish for the
workers; a program that wants fewer says so in Python, or was started so.
"""

from __future__ import annotations

import _imp
from os import sched_getaffinity, sched_setaffinity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    Processors = set[int]

# Once a library has narrowed them: the processors before, and after.
_narrowed: tuple[Processors, Processors] | None = None
_undoing = False


def usable() -> Processors:
    """The processors that the calling thread may use but for such a library; empty where the kernel
    does not say."""
    now = _allowed()
    return _narrowed[0] if _narrowed is not None and now == _narrowed[1] else now


def undo() -> None:
    """In this process each is undone from now on."""
    global _undoing
    _undoing = True


def watch() -> None:
    """From now on it is noticed, in this process and in those that are forked from it."""
    for name in "create_dynamic", "exec_dynamic":
        load = getattr(_imp, name)
        if not hasattr(load, "__wrapped__"):
            setattr(_imp, name, _watched(load))


def _watched(load: Callable[..., Any]) -> Callable[..., Any]:
    def _call_with_frames_removed(*args: Any) -> Any:
        before = _allowed()
        try:
            return load(*args)
        finally:
            _look(before)

    # Python leaves the frames of its import system out of tracebacks, by this name and that of the
    # file, and warnings do not count them.
    watched: Any = _call_with_frames_removed
    watched.__code__ = watched.__code__.replace(
        co_filename="<frozen importlib._bootstrap_external>"
    )
    watched.__wrapped__ = load
    return watched  # type: ignore[no-any-return]


def _look(before: Processors) -> None:
    global _narrowed
    now = _allowed()
    if not before or now >= before:
        return
    if _undoing:
        try:  # noqa: SIM105  (contextlib may not be loaded)
            sched_setaffinity(0, before)
        except OSError:  # they are gone by now
            pass
    else:
        # Where it was narrowed before, what was there at first still counts.
        at_first = _narrowed[0] if _narrowed is not None and _narrowed[1] == before else before
        _narrowed = at_first, now


def _allowed() -> Processors:
    try:
        return sched_getaffinity(0)
    except OSError:
        return set()
