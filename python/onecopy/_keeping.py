"""Telling the keeper of this program which segments of shared memory the program has made.

The keeper (_keeper.py) is a process of its own, because nothing else outlives a program that is
killed. A family has one, which the first process to make a segment starts. The others find it by
the memory of the family: the keeper has a lock on one byte far behind the end of that file, and who
has a lock the system tells. A lock on the next byte lets one process at a time look and start it;
where it starts it, the lock goes over to the keeper, which gives it up when it can be found.
"""

from __future__ import annotations

import _posixshmem  # type: ignore[import-not-found]
import contextlib
import fcntl
import os
import signal
import sys
import threading
from multiprocessing import resource_tracker, spawn, util

from . import _engine, _family
from ._keeper import KEEPER, LOCK, MEMORY, READER, STARTING, lock_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_keeper.py")

# Begins as what starts stock's tracker: a frozen program knows it by that.
_IN_FROZEN = (
    "from multiprocessing.resource_tracker import main; from onecopy._keeper import main; main()"
)

# What ends programs, and no keeper.
_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)

_lock = threading.RLock()
_pipe = -1
_identity: tuple[int, int] | None = None  # of the pipe; a program may close what it does not know

_stock_register: Any = resource_tracker.register
_stock_unregister: Any = resource_tracker.unregister
_spawn: Any = spawn
_util: Any = util

_own_memory = -1  # in the place of the family's, where there is none


def keep(name: str, fd: int) -> None:
    """Before the segment gets its name: have it removed when this program is gone and nobody else
    uses it."""
    with _lock:
        if not _is_running():
            _connect()
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
        _connect()
        os.write(_pipe, message)


def _is_running() -> bool:
    try:
        return _identity_of(_pipe) == _identity
    except OSError:
        return False


def _connect() -> None:
    """Finds the keeper of the family, or starts one."""
    global _pipe, _identity
    memory = _memory_of_family()
    fcntl.flock(memory, fcntl.LOCK_SH)  # the last of the family to go gives it back
    # Opened anew, it has locks of its own.
    anew = os.open(f"/proc/self/fd/{memory}", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.fcntl(anew, fcntl.F_OFD_SETLKW, lock_of(STARTING))
        pipe = _find(anew)
        _pipe = _start(anew) if pipe is None else pipe
    finally:
        os.close(anew)
    _identity = _identity_of(_pipe)


def _find(memory: int) -> int | None:
    kind, *_, pid = LOCK.unpack(fcntl.fcntl(memory, fcntl.F_GETLK, lock_of(KEEPER)))
    if kind == fcntl.F_UNLCK:
        return None
    try:
        return os.open(f"/proc/{pid}/fd/{READER}", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:  # it is about to go, or out of sight
        return None


def _words(executable: str) -> list[str]:
    """The command that runs the keeper. Of a frozen program the executable is the program itself,
    and runs something else only where freeze_support() finds that it was started as stock does."""
    if getattr(sys, "frozen", False):
        return [executable, *_util._args_from_interpreter_flags(), "-c", _IN_FROZEN]
    return [executable, "-I", "-S", _PROGRAM]


def _start(memory: int) -> int:
    """Out of reach, from its first instruction, of what ends all processes of a terminal."""
    executable = os.fsdecode(_spawn.get_executable())
    with contextlib.ExitStack() as stack:
        reader, writer = os.pipe()
        stack.callback(os.close, reader)
        actions = []
        for descriptor, number in ((reader, READER), (memory, MEMORY)):
            above = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, MEMORY + 1)
            stack.callback(os.close, above)
            actions.append((os.POSIX_SPAWN_DUP2, above, number))
        try:
            os.posix_spawn(
                executable,
                _words(executable),
                os.environ,
                file_actions=actions,
                setsid=True,
                setsigmask=_SIGNALS,
            )
        except BaseException:
            os.close(writer)
            raise
    return writer


def _memory_of_family() -> int:
    """A descriptor of a file that every process of the family has open."""
    global _own_memory
    with contextlib.suppress(OSError, MemoryError):
        _family.join()
        family = _engine.family_descriptor()
        os.fstat(family)
        return family
    # No memory, or closed by a program that closed what it does not know: we and our children.
    if _own_memory < 0:
        _own_memory = os.memfd_create("onecopy-keeper", os.MFD_CLOEXEC)
    return _own_memory


def _renew_lock() -> None:
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)
