"""The families that run on this machine, found from outside.

A family is found by its arena: a file without a name that every member has open. Its descriptor in
/proc/PID/fd can be opened by whoever may look into that process: the same user, or root. Opening it
gives a file of our own, which holds none of the locks that lie on the members' and is closed again
after each look: memory that nobody uses any more is not kept.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field

MAGIC = b"\x01onecopy"  # what an arena begins with


class NotFoundError(Exception):
    """There is no family to look at; the text says why, and what to do."""


@dataclass
class Family:
    """One family, and those of its processes in which its arena was found."""

    arena: tuple[int, int]  # device and inode
    pids: list[int] = field(default_factory=list)

    def open(self, also: list[int]) -> int | None:
        """A descriptor of the arena, by any of its processes, `also` those that were learnt of
        since; None where none is left. The caller closes it."""
        for pid in dict.fromkeys([*self.pids, *also]):
            try:
                for descriptor, arena in _open_arenas(pid):
                    if arena == self.arena:
                        return descriptor
                    os.close(descriptor)
            except OSError:
                continue  # gone, or not ours to look into
        return None


def family_of(pid: int) -> Family:
    """The family of a process. Raises NotFoundError."""
    try:
        if os.readlink(f"/proc/{pid}/ns/pid") != os.readlink("/proc/self/ns/pid"):
            raise NotFoundError(
                f"process {pid} runs in a container, which counts processes in its own way:"
                " run onecopy top in there"
            )
        arenas = list(_open_arenas(pid))
    except (FileNotFoundError, ProcessLookupError):
        raise NotFoundError(f"there is no process {pid}") from None
    except PermissionError:
        raise NotFoundError(
            f"process {pid} may not be looked into: be the user that it runs as, or root"
        ) from None
    for descriptor, _ in arenas:
        os.close(descriptor)
    if not arenas:
        raise NotFoundError(
            f"process {pid} has no memory of Onecopy: it does not run on it, or has made no queue,"
            " pipe, pool or process so far"
        )
    # Of two, which only a program that looks at others has, the one it was given first.
    return Family(arenas[0][1], [pid])


def families() -> list[Family]:
    """Those of this user, by the process found first; for root, of all users. A process that may
    not be looked into, or ends meanwhile, is passed over."""
    found: dict[tuple[int, int], Family] = {}
    for pid in _processes_of_this_user():
        try:
            family = family_of(pid)
        except (NotFoundError, OSError):
            continue
        found.setdefault(family.arena, Family(family.arena)).pids.append(pid)
    return list(found.values())


def _processes_of_this_user() -> Iterator[int]:
    user = os.geteuid()
    for name in sorted(filter(str.isdecimal, os.listdir("/proc")), key=int):
        try:
            if user == 0 or os.stat(f"/proc/{name}").st_uid == user:
                yield int(name)
        except OSError:
            continue


def _open_arenas(pid: int) -> Iterator[tuple[int, tuple[int, int]]]:
    """Each arena that a process has open: a descriptor, which the caller closes, and which file it
    is. Raises what /proc says of the process."""
    seen = set()
    folder = f"/proc/{pid}/fd"
    for number in sorted(os.listdir(folder), key=int):
        path = f"{folder}/{number}"
        try:
            status = os.stat(path)
            identity = status.st_dev, status.st_ino
            # Nothing else is opened: of a device or a pipe that would be noticed.
            if not stat.S_ISREG(status.st_mode) or status.st_nlink or identity in seen:
                continue
            seen.add(identity)
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue  # closed meanwhile, or not to be read
        try:
            if os.fstat(descriptor).st_ino == status.st_ino and (
                os.pread(descriptor, len(MAGIC), 0) == MAGIC
            ):
                yield descriptor, identity
                continue
        except OSError:
            pass
        os.close(descriptor)
