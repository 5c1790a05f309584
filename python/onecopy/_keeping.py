"""Telling the keeper of this program which segments of shared memory the program has made.

The keeper (_keeper.py) is a process of its own, because nothing else outlives a program that is
killed. The first process to make a segment starts it; children forked from there on have it too.
"""

from __future__ import annotations

import _posixshmem  # type: ignore[import-not-found]
import contextlib
import fcntl
import os
import signal
import threading
from multiprocessing import resource_tracker, spawn

from . import _engine, _family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_keeper.py")

# What ends programs, and no keeper.
_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)

_lock = threading.RLock()
_pipe = -1
_identity: tuple[int, int] | None = None  # of the pipe; a program may close what it does not know

_stock_register: Any = resource_tracker.register
_stock_unregister: Any = resource_tracker.unregister
_spawn: Any = spawn


def keep(name: str, fd: int) -> None:
    """Before the segment gets its name: have it removed when this program is gone and nobody else
    uses it."""
    with _lock:
        if not _is_running():
            _start()
        _tell(f"+{_identity_in_words(fd)} {_file(name)}")


def named(name: str, fd: int) -> None:
    """It has its name: when that is gone, there is nothing to keep."""
    with _lock:
        if _is_running():
            _tell(f"={_identity_in_words(fd)} {_file(name)}")


def register(name: str, rtype: str) -> None:
    """In the place of stock's resource_tracker.register, for what it would remove too early."""
    if rtype != "shared_memory":
        _stock_register(name, rtype)
        return
    fd = _posixshmem.shm_open(name, os.O_RDONLY, mode=0)
    try:
        keep(name, fd)
        named(name, fd)
    finally:
        os.close(fd)


def unregister(name: str, rtype: str) -> None:
    """In the place of stock's resource_tracker.unregister. Programs call it for segments that they
    only attach to, and it has then nothing to do."""
    if rtype != "shared_memory":
        _stock_unregister(name, rtype)
        return
    with _lock:
        if _is_running():
            _tell(f"-{_file(name)}")


def _file(name: str) -> str:
    return name.lstrip("/")


def _identity_of(fd: int) -> tuple[int, int]:
    status = os.fstat(fd)
    return status.st_dev, status.st_ino


def _identity_in_words(fd: int) -> str:
    return "{} {}".format(*_identity_of(fd))


def _tell(text: str) -> None:
    message = text.encode() + b"\0"
    try:
        os.write(_pipe, message)
    except BrokenPipeError:  # somebody killed it
        os.close(_pipe)
        _start()
        os.write(_pipe, message)


def _is_running() -> bool:
    try:
        return _identity_of(_pipe) == _identity
    except OSError:
        return False


def _start() -> None:
    global _pipe, _identity
    reader, writer = os.pipe()
    try:
        _spawn_keeper(reader)
    except BaseException:
        os.close(writer)
        raise
    finally:
        os.close(reader)
    _pipe, _identity = writer, _identity_of(writer)


def _spawn_keeper(reader: int) -> None:
    """Out of reach, from its first instruction, of what ends all processes of a terminal."""
    executable = os.fsdecode(_spawn.get_executable())
    with contextlib.ExitStack() as stack:
        actions = []
        for descriptor, number in ((reader, 3), (_family_to_wait_for(), 4)):
            if descriptor >= 0:
                above = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 5)
                stack.callback(os.close, above)
                actions.append((os.POSIX_SPAWN_DUP2, above, number))
        os.posix_spawn(
            executable,
            [executable, "-I", "-S", _PROGRAM, *(str(number) for *_, number in actions)],
            os.environ,
            file_actions=actions,
            setsid=True,
            setsigmask=_SIGNALS,
        )


def _family_to_wait_for() -> int:
    """A descriptor that the whole family has, with a lock on it that the last of them gives back;
    -1 where the system has no memory for a family."""
    with contextlib.suppress(OSError, MemoryError):
        _family.join()
        family = _engine.family_descriptor()
        fcntl.flock(family, fcntl.LOCK_SH)
        return family
    return -1


def _renew_lock() -> None:
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)
