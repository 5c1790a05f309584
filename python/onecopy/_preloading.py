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

# Whoever sets one of these has an opinion; the first is heeded by all libraries.
VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
)

LAST = "onecopy._template"  # which calls end()

_limited = False


class Preload(list[str]):
    """The names of the modules to load. Stock writes them into the code that the template runs:
    they are written so that it calls begin() first, and finds this package where its parent did."""

    def __repr__(self) -> str:
        path = list(sys.path)
        return (
            f"__import__('sys').path.extend({path!r}) or"
            f" __import__({__name__!r}, fromlist=['begin']).begin({list(self)!r}, {len(path)})"
        )


def begin(names: list[str], surplus: int) -> list[str]:
    """In the template, before the first of `names` is loaded. From the end of its path go again as
    many entries as are `surplus`: it loads what stock's would."""
    global _limited
    del sys.path[len(sys.path) - surplus :]
    if not _is_told():
        os.putenv(VARIABLES[0], "1")
        _limited = True
    return [*names, LAST]


def end() -> None:
    """In the template, when all are loaded."""
    global _limited
    if not _limited:
        return
    _limited = False
    if VARIABLES[0] not in os.environ:
        os.unsetenv(VARIABLES[0])
    if not _is_told():
        from . import _engine

        _engine.free_math_threads()


def _is_told() -> bool:
    return any(variable in os.environ for variable in VARIABLES)
