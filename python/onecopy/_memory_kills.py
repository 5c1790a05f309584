"""Whether a process of ours was killed because memory ran out.

The kernel counts such kills, for each control group, and says nowhere that everybody can read whom
they hit. So of a child that SIGKILL ended this can be told: there was a kill that no other death of
a child has been put down to.
"""

from __future__ import annotations

from . import _engine

_explained = 0  # kills that are put down to somebody, or were before anybody watched


def watch() -> None:
    """From now on: kills before this moment explain nothing."""
    global _explained
    _explained = _engine.memory_kill_count()


def explains_a_death() -> bool:
    """Asked once for each child that SIGKILL ended: whether the kernel has probably done it. Each
    kill since `watch` explains one."""
    global _explained
    if _engine.memory_kill_count() <= _explained:
        return False
    _explained += 1
    return True
