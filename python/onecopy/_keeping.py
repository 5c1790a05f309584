"""Having a keeper for the segments of shared memory that this program makes.

The keeper (_keeper.py) is a process of its own, because nothing else outlives a program that is
killed. A family has one, which the first process to make a segment starts. The others find it, and
by it the books, by the memory of the family: the keeper has a lock on one byte far behind the end
of that file, and who has a lock the system tells. A lock on the next byte lets one process at a
time look and start it; where it starts it, the lock goes over to the keeper, which gives it up when
it can be found. The same two locks on the books say that they have a keeper: when it was killed,
whoever makes the next segment, or ends in the usual way, starts another.

Where that cannot be, without /proc and in a program that is frozen into one executable, stock's
resource tracker is told instead, and what is removed, and when, is as under stock.
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
from ._books import Books, identity_of
from ._keeper import (
    BOOKS,
    KEEPER,
    LEFT_ALONE,
    LOCK,
    MEMORY,
    NAMED,
    PLANNED,
    STARTING,
    lock_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

DESCRIPTORS = "/proc/self/fd"

_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_keeper.py")

# What ends programs, and no keeper.
_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)

_lock = threading.RLock()
_books: Books | None = None

_stock_register: Any = resource_tracker.register
_stock_unregister: Any = resource_tracker.unregister
_stock_tracker: Any = resource_tracker
_spawn: Any = spawn

_own_memory: Books | None = None  # in the place of the family's, where there is none


@contextlib.contextmanager
def kept(name: str, fd: int) -> Iterator[None]:
    """Around the step that gives the segment its name: have it removed when this program is gone
    and nobody else uses it."""
    with _lock:
        books = _kept_books()
        if books is not None:
            identity, file = identity_of(fd), name.lstrip("/").encode()
            books.note(PLANNED, identity, file)
    if books is None:
        yield
        if _can_be_told(name):
            _stock_register(name, "shared_memory")
        return
    try:
        yield
    finally:
        with _lock:
            if books.is_open():
                books.note(NAMED, identity, file)
                books.put_in_order()


def unlinked(name: str) -> None:
    """Nobody is to remove the name any more: stock's tracker may know of it, if stock made the
    segment or attached to it."""
    fd: int | None = _stock_tracker._resource_tracker._fd
    if fd is None or not _can_be_told(name):
        return
    # To forget what it never heard of would be an error. In one write, between which nobody ends.
    lines = f"REGISTER:{name}:shared_memory\nUNREGISTER:{name}:shared_memory\n"
    with contextlib.suppress(OSError):
        os.write(fd, lines.encode())


def register(name: str, rtype: str) -> None:
    """In the place of stock's resource_tracker.register, for what it would remove too early."""
    if rtype != "shared_memory":
        _stock_register(name, rtype)
        return
    try:
        fd = _posixshmem.shm_open(name, os.O_RDONLY, mode=0)
    except (FileNotFoundError, PermissionError):
        return  # there is nothing that could be removed
    try:
        with kept(name, fd):
            pass  # it has it
    finally:
        os.close(fd)


def unregister(name: str, rtype: str) -> None:
    """In the place of stock's resource_tracker.unregister. Programs call it for segments that they
    only attach to, which no tracker of ours knows."""
    if rtype != "shared_memory":
        _stock_unregister(name, rtype)
        return
    with _lock:
        if _books is not None and _books.is_open():
            with contextlib.suppress(OSError):
                fd = _posixshmem.shm_open(name, os.O_RDONLY, mode=0)
                try:
                    _books.note(LEFT_ALONE, identity_of(fd), name.lstrip("/").encode())
                finally:
                    os.close(fd)
    unlinked(name)


def _can_be_told(name: str) -> bool:
    """Stock's tracker is told in lines of ASCII, with colons between."""
    return name.isascii() and ":" not in name and "\n" not in name


def _can_keep() -> bool:
    # What is started as the interpreter would be the whole program where that is frozen.
    return os.path.isdir(DESCRIPTORS) and not getattr(sys, "frozen", False)


def _kept_books() -> Books | None:
    if _books is not None and _books.is_open() and _books.have_keeper():
        return _books
    return _connect() if _can_keep() else None


def _connect() -> Books:
    """Finds the keeper of the family, or starts one."""
    global _books
    memory = _memory_of_family()
    fcntl.flock(memory, fcntl.LOCK_SH)  # the last of the family to go gives it back
    anew = _opened_anew(memory)
    try:
        fcntl.fcntl(anew, fcntl.F_OFD_SETLKW, lock_of(STARTING))
        if _books is None or not _books.is_open():
            _books = _find(anew) or Books()
            util.Finalize(None, _see_to_keeper, exitpriority=-100)
        if not _books.have_keeper():
            _start(_books, anew)
        return _books
    finally:
        os.close(anew)


def _see_to_keeper() -> None:
    """At the end of this process: what it has noted shall not be lost with a keeper that was
    killed."""
    with _lock:
        books = _books
        if books is not None and books.is_open() and not books.have_keeper() and books.needed():
            _connect()


def _opened_anew(descriptor: int) -> int:
    """The same file, with locks of its own."""
    return os.open(f"{DESCRIPTORS}/{descriptor}", os.O_RDWR | os.O_CLOEXEC)


def _find(memory: int) -> Books | None:
    kind, *_, pid = LOCK.unpack(fcntl.fcntl(memory, fcntl.F_GETLK, lock_of(KEEPER)))
    if kind == fcntl.F_UNLCK:
        return None
    try:
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY
        books = Books(os.open(f"/proc/{pid}/fd/{BOOKS}", flags))
    except OSError:  # it is about to go, or out of sight
        return None
    if books.have_keeper():
        return books
    os.close(books.descriptor)  # it is gone, and another process has its number
    return None


def _start(books: Books, memory: int) -> None:
    """Out of reach, from its first instruction, of what ends all processes of a terminal."""
    executable = os.fsdecode(_spawn.get_executable())
    with contextlib.ExitStack() as stack:
        read = _opened_anew(books.descriptor)
        stack.callback(os.close, read)
        fcntl.fcntl(read, fcntl.F_OFD_SETLK, lock_of(STARTING))
        actions = []
        for descriptor, number in ((read, BOOKS), (memory, MEMORY)):
            above = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, MEMORY + 1)
            stack.callback(os.close, above)
            actions.append((os.POSIX_SPAWN_DUP2, above, number))
        os.posix_spawn(
            executable,
            [executable, "-I", "-S", _PROGRAM],
            os.environ,
            file_actions=actions,
            setsid=True,
            setsigmask=_SIGNALS,
        )


def _memory_of_family() -> int:
    """A descriptor of a file that every process of the family has open."""
    global _own_memory
    with contextlib.suppress(OSError, MemoryError):
        _family.join()
        family = _engine.family_descriptor()
        os.fstat(family)
        return family
    # No memory, or closed by a program that closed what it does not know: we and our children.
    if _own_memory is None or not _own_memory.is_open():
        _own_memory = Books()
    return _own_memory.descriptor


def _renew_lock() -> None:
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)
