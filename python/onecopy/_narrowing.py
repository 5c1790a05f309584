"""The processors that a library has taken from this process while it was imported.

Some libraries (OpenBLAS and MKL of old, some of OpenMP's runtimes) let the thread that loads them
run on one processor only, and everything that it starts inherits that. Such a set is nobody's wish.
So it is looked at before and after each import: what is missing behind it was taken by it. A set
that is narrower than before in any other way, by `taskset`, by `os.sched_setaffinity`, by a cgroup,
is the user's; so is one that was so when this package was imported, since nobody can tell any more
what made it.
"""

from __future__ import annotations

import os
import sys
from threading import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

    Processors = frozenset[int]

_NONE: Processors = frozenset()

# What the last import that took some of the set left of what.
_wide = _narrow = _NONE

_METHODS = "create_module", "exec_module"  # of a loader, in the order in which they are called

_looking: set[int] = set()  # the threads that look for a module
_undoes = False


def watch() -> None:
    """Looks at all imports from now on."""
    sys.meta_path.insert(0, _Finder())


def undo() -> None:
    """In this process an import that takes some of the set leaves it as it was."""
    global _undoes
    _undoes = True


def usable() -> Processors:
    """The processors that the calling thread may use, with those that an import took from it. Empty
    where the kernel does not say."""
    now = _allowed()
    return _wide if now and now == _narrow else now


def run_on(processors: Processors) -> None:
    """The calling thread does. Where the system refuses, because they are gone by now or because
    nobody may say, it runs where it would."""
    from contextlib import suppress

    with suppress(OSError):
        os.sched_setaffinity(0, processors)


def _allowed() -> Processors:
    try:
        return frozenset(os.sched_getaffinity(0))
    except OSError:
        return _NONE


def _compare(before: Processors) -> None:
    """After an import."""
    global _wide, _narrow
    after = _allowed()
    if not after or after >= before:
        return
    if _undoes:
        run_on(before)
    else:
        _wide = _wide if before == _narrow else before
        _narrow = after


def _watch(loader: Any, name: str) -> None:
    """Has the method `name` of the loader look before and after. What does so stands in the
    loader's own attributes until it is called, so that the loader is the one that it was to all."""
    method, attributes = getattr(loader, name), loader.__dict__

    def load(argument: Any) -> Any:
        for passed in _METHODS[: _METHODS.index(name) + 1]:
            attributes.pop(passed, None)
        before = _allowed()
        try:
            return method(argument)
        finally:
            _compare(before)

    attributes[name] = load


class _Finder:
    """Finds what the other finders find. Any thread may call."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        me = get_ident()
        if me in _looking:
            return None
        _looking.add(me)  # one of the others may ask all others, too
        try:
            spec = self._find(name, path, target)
        finally:
            _looking.discard(me)
        loader: Any = spec and spec.loader
        # Neither a class, whose attributes are those of all, nor one that can have none.
        if hasattr(loader, "exec_module") and type(getattr(loader, "__dict__", None)) is dict:
            for method in _METHODS:
                _watch(loader, method)
        return spec

    def _find(self, *wanted: Any) -> ModuleSpec | None:
        for finder in sys.meta_path:
            find: Any = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec: ModuleSpec | None = find(*wanted)
            if spec is not None:
                return spec
        return None
