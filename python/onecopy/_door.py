"""Doors, by which programs that were not started by a family come into it."""

from __future__ import annotations

import os
import threading
import weakref
from multiprocessing import process

from . import _engine, _family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike

__all__ = ["Door", "join"]

_PAUSE = 1.0  # seconds, before a door is served again that could not be


class Door:
    """A door to this program's family: a socket at `path`, in a directory that is this user's alone
    (mode 0700), which is made where there is none. Another program of the same user comes in by
    `join(path)`, in Python or in C++, and is a member then: it finds what is published (`publish`).

    Somebody must stand at the door: `admit` in a loop of yours, or the thread that `start` starts.
    As a context manager a door is closed at the end; otherwise when the program ends. Members stay.

    The other program must have the same version of Onecopy and run in the same pid namespace. Who
    may not come in is told why, and the next is seen to.

    PermissionError: the directory is another user's, or open to others. OSError (EADDRINUSE): a
    program that runs has a door there. ValueError: the authkey of this process, which guests
    get, has more than 1,024 bytes.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        _family.adopt_template_place()
        # So that what children have in common with their parent, guests have with their host.
        key = bytes(process.current_process().authkey)
        self._door = _engine.Door(os.fsdecode(path), key)
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._path = self._door.path
        self._closing = weakref.finalize(self, self._door.close)

    @property
    def path(self) -> str:
        """Where it is, from the root on."""
        return self._path

    @property
    def closed(self) -> bool:
        """Whether it is closed, or belongs to the process that this one was forked from."""
        return self._door.closed

    def admit(self, timeout: float | None = None) -> int:
        """See to all who knock until one has become a member, `timeout` seconds at most (None: as
        long as it takes). Its process id. TimeoutError; OSError: the door is closed."""
        pid = self._door.admit(timeout)
        if pid is None:
            raise TimeoutError(f"nobody has come in by {self._path} in time")
        return pid

    def fileno(self) -> int:
        """A descriptor that is readable when somebody knocks: time to call admit(0), which need not
        let anybody in yet."""
        return self._door.fileno()

    def start(self) -> None:
        """Let a thread admit whoever comes, until the door is closed. Forking beside a thread has
        its dangers, as ever."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=_serve,
                args=(self._door, self._over),
                name=f"onecopy.Door({self._path!r})",
                daemon=True,
            )
            self._thread.start()

    def close(self) -> None:
        """Admit nobody any more. Who is in stays."""
        self._closing()
        self._over.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def __enter__(self) -> Door:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Door {self._path!r}{' closed' * self.closed}>"


def _serve(door: _engine.Door, over: threading.Event) -> None:
    while not door.closed:
        try:
            door.admit(None)
        # Closed; or no descriptors or memory are left, of which others may give some back.
        except (OSError, MemoryError):
            over.wait(0.0 if door.closed else _PAUSE)


def join(path: str | PathLike[str], timeout: float | None = 10.0) -> None:
    """Come into the family behind the `Door` at `path`, of a program in Python or in C++, within
    `timeout` seconds (None: as long as it takes), also where that program has yet to open it. This
    process, and all that it starts from then on, are members for good, also when the other program
    is gone.

    To be called before anything else of Onecopy's is made. ValueError: this process is in a family
    already. FileNotFoundError or ConnectionRefusedError: there is no door. TimeoutError: nobody
    admits. RuntimeError: the versions differ, and which they are. PermissionError: the door or its
    directory is another user's, or open to others, or the door is of another pid namespace.
    """
    _family.adopt_template_place()
    if key := _engine.join_door(os.fsdecode(path), timeout):
        process.current_process().authkey = key
