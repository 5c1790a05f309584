"""Puts Onecopy into a program that `onecopy run` started, and into every process from there on.
(`onecopy compare --start` has it come into a program under stock too, to set the start method.)

The interpreter imports this before the program, from the folder that `onecopy run` put in front of
PYTHONPATH; children inherit that, however they are started. It waits for the program to import
multiprocessing; a process that never does pays nothing. Any interpreter may come across this file,
so that it keeps to plain Python 3, and to the standard library.
"""

import os
import sys

TYPE_CHECKING = False  # as typing has it, without the time to load typing
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

# What has begun and not ended: the loading of the two packages that matter, and the taking over.
_under_way: "set[str]" = set()


class _Loader:
    """Loads as the real loader does, then lets Onecopy take multiprocessing over."""

    def __init__(self, real: "Any") -> None:
        self._real = real

    def __getattr__(self, name: str) -> "Any":
        return getattr(self._real, name)

    def create_module(self, spec: "ModuleSpec") -> "Any":
        return self._real.create_module(spec)

    def exec_module(self, module: "Any") -> None:
        # The module shall not show that anybody stood in between.
        module.__spec__.loader = module.__loader__ = self._real
        _under_way.add(module.__name__)
        try:
            self._real.exec_module(module)
        finally:
            _under_way.discard(module.__name__)
        # A program that imports onecopy itself loads multiprocessing on the way: wait for its end.
        if "multiprocessing" in sys.modules and not _under_way:
            _install()


class _Finder:
    """Finds the two packages by asking the other finders. Any thread may call."""

    def find_spec(
        self,
        name: str,
        path: "Sequence[str] | None" = None,
        target: "ModuleType | None" = None,
    ) -> "Any":
        if name not in ("multiprocessing", "onecopy"):
            return None
        for finder in sys.meta_path:
            find_spec: Any = getattr(finder, "find_spec", None)
            if finder is self or find_spec is None:
                continue
            spec: Any = find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader)
                return spec
        return None

    def invalidate_caches(self) -> None:
        pass


def _install() -> None:
    if _is_resource_tracker():
        return
    if os.environ.get("ONECOPY_RUN") == "stock":
        _set_default_start_method()
        return
    _under_way.add("install")
    try:
        # The engine first: where it cannot be loaded, nothing is taken over by halves.
        from onecopy import _engine  # noqa: F401
        from onecopy.install import install
    except ImportError as error:
        if os.environ.get("ONECOPY_RUN") != "told":
            os.environ["ONECOPY_RUN"] = "told"  # the children need not say it again
            sys.stderr.write(
                f"onecopy: not to be had in {sys.executable} ({error}); "
                "multiprocessing stays the stock one there\n"
            )
    else:
        install()
    finally:
        _under_way.discard("install")


def _set_default_start_method() -> None:
    """What `onecopy compare --start` changes of the stock package, and nothing else."""
    context: Any = sys.modules["multiprocessing.context"]
    method = os.environ["ONECOPY_START"]
    context._default_context._default_context = context._concrete_contexts[method]


def _is_resource_tracker() -> bool:
    """Whether this is stock's process that removes forgotten names: it shares nothing with us."""
    try:
        with open("/proc/self/cmdline", "rb") as words:
            return b"\0from multiprocessing.resource_tracker import " in words.read()
    except OSError:
        return False


def _start() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != here]
    sys.path_importer_cache.pop(here, None)
    if os.environ.get("ONECOPY_RUN"):
        if "multiprocessing" in sys.modules:
            _install()
        sys.meta_path.insert(0, _Finder())


_start()

# This file hides another of its name, which the interpreter would have run: now it does. What goes
# wrong in there, its absence included, goes on to the interpreter as if it had called it itself.
del sys.modules["sitecustomize"]
import sitecustomize  # type: ignore[import-not-found]  # noqa: E402, F401
