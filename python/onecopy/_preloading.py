"""How the template of a forkserver loads what its children are to have: with one thread for linear
algebra.

A fork copies one thread, so that a library which had more at work in the template would wait for
ever in a child for those that are not there (OpenMP's does). The limit is in the environment of C
alone: a program that looks into os.environ finds there what its user has put there, and what it
sets itself counts. When all is loaded the limit goes, and the libraries may start as many threads
in each child as they would have.
"""

from __future__ import annotations

import os
import sys

from . import _math_threads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LAST = "onecopy._template"  # which calls end()

_limited = False


class Preload(list[str]):
    """The names of the modules to load. Stock writes them into the code that the template runs:
    they are written so that it calls begin() first, and finds this package where its parent did.
    `main` is the path of the program, where it has one."""

    main: str | None = None

    def __repr__(self) -> str:
        path = list(sys.path)
        given = f"{list(self)!r}, {len(path)}, {self.main!r}"
        return (
            f"__import__('sys').path.extend({path!r}) or"
            f" __import__({__name__!r}, fromlist=['begin']).begin({given})"
        )


def begin(names: list[str], surplus: int, main: str | None) -> list[str]:
    """In the template, before the first of `names` is loaded. From the end of its path go again as
    many entries as are `surplus`: it loads what stock's would."""
    global _limited
    if main is not None:
        from . import _main_module

        _main_module.prepare(main)
    del sys.path[len(sys.path) - surplus :]
    if not _math_threads.is_told():
        os.putenv(_math_threads.VARIABLE, "1")
        _limited = True
    return _Names([*names, LAST])


class _Names(list[str]):
    """In the template, which serves when it has loaded the last."""

    def __iter__(self) -> Iterator[str]:
        yield from super().__iter__()
        if sys.version_info >= (3, 14):  # where who asks must show a key first
            return
        from ._serving import Server

        main = sys._getframe(1).f_locals
        Server(main["listener_fd"], main["alive_r"]).serve()


def end() -> None:
    """In the template, when all are loaded."""
    global _limited
    if not _limited:
        return
    _limited = False
    if _math_threads.VARIABLE not in os.environ:
        os.unsetenv(_math_threads.VARIABLE)
    if not _math_threads.is_told():
        from . import _engine

        _engine.set_math_threads(0)
