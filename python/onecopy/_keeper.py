"""The keeper: a process that removes what its program left in /dev/shm, after the program's end.

    python -I -S _keeper.py

BOOKS is the file in which the processes that make segments note them, MEMORY the one that is the
memory of the family: every process of the program has a shared lock (flock) on it. When all have
left it, the keeper reads the books, and removes the segments that nobody holds a shared lock on;
others when that is so. Until then it sleeps, and nobody waits for it. It knows nothing but what is
in the books: another one that takes its place (_keeping.py) knows as much. It starts in some
milliseconds, because it loads nothing of the package.
"""

from __future__ import annotations

import fcntl
import os
import struct
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Device and inode, since names are used again; and the name.
    Segment = tuple[int, int, bytes]
    Noted = dict[Segment, set[bytes]]

FOLDER = b"/dev/shm/"

BOOKS, MEMORY = 3, 4

# An entry of the books: a sign, device, inode and name. It lies in one page, and so is written
# whole or not at all. There may be several of the same, in any order.
ENTRY = struct.Struct("c7xQQ488s")
PLANNED = b"+"  # it is about to get its name
NAMED = b"="  # it has got it: without it, it is gone
LEFT_ALONE = b"-"  # it shall stay

# Bytes far behind the end of both files. Who has a lock on the one is the keeper, who has one on
# the other is starting it.
KEEPER = 1 << 62
STARTING = KEEPER + 1

# A lock, as fcntl takes it: kind, from where, first byte, how many, the process that has it.
LOCK = struct.Struct("hhqqi4x")

# What became of a segment that was to be removed.
REMOVED, GONE, IN_USE = "removed", "gone", "in use"

# Seconds between two looks at what others still use: few at first, and never many.
_SHORTEST, _LONGEST = 0.01, 1.0
# A round of looks is followed by so many times its own length of sleep.
_REST = 20


def lock_of(byte: int, kind: int = fcntl.F_WRLCK, count: int = 1) -> bytes:
    return LOCK.pack(kind, os.SEEK_SET, byte, count, 0)


def main() -> None:
    os.chdir("/")
    silence(0, 1)
    close_others({0, 1, 2, BOOKS, MEMORY})
    be_found()
    fcntl.flock(MEMORY, fcntl.LOCK_EX)
    os.close(MEMORY)
    left = [segment for segment, signs in noted_in(BOOKS).items() if LEFT_ALONE not in signs]
    os.close(BOOKS)
    removed, used = remove_unused(left)
    if removed:
        tell(removed)
    silence(2)
    remove_when_unused(used)


def be_found() -> None:
    for file in (BOOKS, MEMORY):
        try:
            fcntl.fcntl(file, fcntl.F_SETLK, lock_of(KEEPER))
        except OSError:
            continue  # a second keeper, of those who cannot reach the first
        finally:
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, lock_of(STARTING, fcntl.F_UNLCK))


def silence(*descriptors: int) -> None:
    """Whoever reads what the program writes shall not wait for its keeper."""
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for each in descriptors:
        os.dup2(nothing, each)
    os.close(nothing)


def close_others(own: set[int]) -> None:
    """Closes what the program left open for its children."""
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor not in own:
            try:
                os.close(descriptor)
            except OSError:
                continue  # that of the list itself


def beginning_of(books: int) -> int:
    """Where the entries begin: what is before has been put in order and given back."""
    try:
        return os.lseek(books, 0, os.SEEK_DATA)
    except OSError:  # there are none
        return os.fstat(books).st_size


def noted_in(books: int) -> Noted:
    """The segments that are in the books, each with its signs. Complete while others note more,
    and not while they put them in order."""
    noted: Noted = {}
    begin = beginning_of(books)
    entries = os.pread(books, os.fstat(books).st_size - begin, begin)
    for place in range(0, len(entries) - ENTRY.size + 1, ENTRY.size):
        sign, device, inode, name = ENTRY.unpack_from(entries, place)
        if sign != b"\0":
            noted.setdefault((device, inode, name.rstrip(b"\0")), set()).add(sign)
    return noted


def is_there(segment: Segment) -> bool:
    device, inode, name = segment
    try:
        status = os.lstat(FOLDER + name)
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == (device, inode)


def remove(segment: Segment) -> str:
    """Removes the segment if nobody uses it. Who is about to attach to it waits for our lock, and
    then sees that it is gone."""
    if not is_there(segment):
        return GONE
    path = FOLDER + segment[2]
    fd = -1
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not is_there(segment):
            return GONE
        os.unlink(path)
    except (FileNotFoundError, PermissionError):
        return GONE  # or no longer ours
    except OSError:
        return IN_USE  # or the system is short of something now
    finally:
        if fd >= 0:
            os.close(fd)
    return REMOVED


def remove_unused(segments: list[Segment]) -> tuple[list[Segment], list[Segment]]:
    """Gives those that it has removed, and those that are still in use."""
    outcomes = [(segment, remove(segment)) for segment in segments]
    return (
        [segment for segment, outcome in outcomes if outcome is REMOVED],
        [segment for segment, outcome in outcomes if outcome is IN_USE],
    )


def remove_when_unused(used: list[Segment]) -> None:
    """Removes what others still use, each soon after they are gone. It is looked at from time to
    time: waiting for its lock would take a thread and a descriptor each, and a segment that is
    open here keeps its memory when others unlink it."""
    pause = _SHORTEST
    while used:
        time.sleep(pause)
        began = time.monotonic()
        _, used = remove_unused(used)
        pause = max(min(2 * pause, _LONGEST), _REST * (time.monotonic() - began))


def tell(removed: list[Segment]) -> None:
    names = ", ".join(os.fsdecode(name) for _, _, name in removed)
    text = f"onecopy: removed from /dev/shm what nobody had unlinked: {names}\n"
    try:
        os.write(2, os.fsencode(text))
    except OSError:
        return  # nobody listens


if __name__ == "__main__":
    main()
