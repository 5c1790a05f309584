"""How many threads each of several processes gives to linear algebra."""

from __future__ import annotations

import os

VARIABLE = "OMP_NUM_THREADS"  # is heeded by all libraries

# Whoever sets one of these has an opinion.
_VARIABLES = (
    VARIABLE,
    "OPENBLAS_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
)


def is_told() -> bool:
    """Whether the environment says how many threads to use."""
    return any(variable in os.environ for variable in _VARIABLES)


def limit(most: int) -> None:
    """In this process libraries use `most` threads at most, those that are loaded and those that
    will be; nothing where the environment says how many. The limit is in the environment of C
    alone: os.environ has what the user put there."""
    if is_told():
        return
    os.putenv(VARIABLE, str(most))
    from . import _engine

    _engine.set_math_threads(most)
