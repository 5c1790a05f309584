"""A named segment of shared memory: stock's, which ends with its last view and not before.

Every handle holds a shared lock (flock) on its segment for as long as its descriptor or its mapping
lives, so that whoever can get the exclusive lock knows that no process uses the segment.
"""

from __future__ import annotations

import _posixshmem  # type: ignore[import-not-found]
import contextlib
import errno
import fcntl
import mmap
import os
import secrets
import sys
from multiprocessing import shared_memory as _stock

from . import _keeping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

FOLDER = "/dev/shm"

# Memory is asked for in pieces: a piece that a signal interrupts is given back and asked for anew,
# and one of this size is done before even a profiler's next signal.
_PIECE = 1 << 20

_stock_class: Any = _stock.SharedMemory
_stock_names: Any = _stock
_stock_make_filename: Any = _stock_names._make_filename


class SharedMemory(_stock_class):  # type: ignore[misc]
    """A block of memory with a name, by which any process of the same user attaches to it.

    `create` makes a new one of `size` bytes, under `name` or one made up; else the one of that name
    is attached to. With `track` (the default) a new one is removed when nobody has called `unlink`
    and the program that made it and everybody who uses it are gone. OSError: no room in /dev/shm.
    """

    name: str
    size: int
    buf: memoryview

    _name: Any
    _fd: int
    _mmap: Any
    _buf: Any

    def __init__(
        self, name: str | None = None, create: bool = False, size: int = 0, *, track: bool = True
    ) -> None:
        if not size >= 0:
            raise ValueError("'size' must be a positive integer")
        if create:
            self._flags = os.O_CREAT | os.O_EXCL | os.O_RDWR
            if size == 0:
                raise ValueError("'size' must be a positive number different from zero")
        if name is None and not self._flags & os.O_EXCL:
            raise ValueError("'name' can only be None if create=True")
        self._track = track
        if name is not None and self._prepend_leading_slash:
            name = "/" + name
        if name is not None and "\0" in name:
            raise ValueError("embedded null character")
        try:
            if create:
                self._create(name, size)
            else:
                self._attach(name)
        except BaseException:
            self.close()
            raise

    def _create(self, name: str | None, size: int) -> None:
        self._fd = _open_nameless(self._mode)
        if self._fd < 0:
            self._create_by_name(name, size)
            return
        # It gets its name when it is whole: nobody attaches to half a segment, and a process that
        # is killed before leaves nothing.
        fcntl.flock(self._fd, fcntl.LOCK_SH)
        _reserve(self._fd, size)
        self._map()
        self._take_name(name, self._publish)

    def _create_by_name(self, name: str | None, size: int) -> None:
        # It has its name from the start. Who attaches waits until it is whole; but who comes before
        # our lock finds it empty, and a kill before the keeper knows it leaves it behind.
        self._take_name(name, self._open_new)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX)
            with self._kept():
                pass  # it has it
            _reserve(self._fd, size)
            self._map()
            fcntl.flock(self._fd, fcntl.LOCK_SH)
        except BaseException:
            self.unlink()
            raise

    def _take_name(self, name: str | None, take: Callable[[], None]) -> None:
        while True:
            self._name = _make_filename() if name is None else name
            try:
                return take()
            except FileExistsError:
                if name is not None:
                    raise

    def _open_new(self) -> None:
        self._fd = _posixshmem.shm_open(self._name, self._flags, mode=self._mode)

    def _publish(self) -> None:
        name, fd = self._name, self._fd
        # What is wrong with a name the C library says; that it is taken, the link does.
        with contextlib.suppress(FileNotFoundError, PermissionError):
            os.close(_posixshmem.shm_open(name, os.O_RDONLY, mode=self._mode))
        path = f"{FOLDER}/{name.lstrip('/')}".encode()
        try:
            with self._kept():
                # /proc has a link there, which os.link follows only when given a `src_dir_fd`.
                os.link(f"{_keeping.DESCRIPTORS}/{fd}", path, src_dir_fd=fd)
        except FileExistsError as error:
            raise FileExistsError(error.errno, error.strerror, name) from None

    def _kept(self) -> Any:
        if self._track:
            return _keeping.kept(self._name, self._fd)
        return contextlib.nullcontext()

    def _attach(self, name: str | None) -> None:
        self._name = name
        while True:
            self._fd = _posixshmem.shm_open(name, self._flags, mode=self._mode)
            fcntl.flock(self._fd, fcntl.LOCK_SH)
            if os.fstat(self._fd).st_nlink:
                return self._map()
            fd, self._fd = self._fd, -1
            os.close(fd)  # it was removed just now: look again who has the name

    def _map(self) -> None:
        self._size = os.fstat(self._fd).st_size
        self._mmap = mmap.mmap(self._fd, self._size)
        self._buf = memoryview(self._mmap)

    def close(self) -> None:
        """This instance looks into the segment no more. Whoever looked into it by way of `buf`, or
        has an array there, still does: the mapping goes with the last of them."""
        # NumPy's arrays only refer to the mapping, so that closing it would take their memory away.
        self._mmap = None
        view, self._buf = self._buf, None
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
        if view is not None:
            with contextlib.suppress(BufferError):
                view.release()

    def __del__(self, is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        # At the end of the interpreter what is called here may be gone, and all is closed anyhow.
        if self._fd >= 0 and not is_finalizing():
            with contextlib.suppress(OSError):
                os.close(self._fd)

    def unlink(self) -> None:
        """Takes the name away. The memory goes with the last who uses it."""
        if self._name:
            _posixshmem.shm_unlink(self._name)
            if self._track:
                _keeping.unlinked(self._name)


def _make_filename() -> str:
    """A name that nobody else makes up, or what a program has put in the place of stock's names."""
    make: Any = _stock_names._make_filename
    if make not in (_stock_make_filename, _make_filename):
        name: str = make()
        return name
    return f"{_stock_names._SHM_NAME_PREFIX}{secrets.token_hex(8)}"


def _open_nameless(mode: int) -> int:
    """A new file that can be given a name, or -1 where the kernel, the file system or a missing
    /proc does not allow that."""
    try:
        fd = os.open(FOLDER, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, mode)
    except OSError:  # where something else is wrong, shm_open says it
        return -1
    if os.access(f"{_keeping.DESCRIPTORS}/{fd}", os.F_OK):
        return fd
    os.close(fd)
    return -1


def _reserve(fd: int, size: int) -> None:
    """Gives the file so many bytes of memory, so that no write to them can fail."""
    os.ftruncate(fd, size)
    system = os.fstatvfs(fd)
    if system.f_blocks and size > system.f_bavail * system.f_frsize:
        raise _no_room(size)
    try:
        for start in range(0, size, _PIECE):
            os.posix_fallocate(fd, start, min(_PIECE, size - start))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise _no_room(size) from None


def _no_room(size: int) -> OSError:
    return OSError(errno.ENOSPC, f"no room for {size} bytes of shared memory", FOLDER)
