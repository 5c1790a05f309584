"""The keeper: a process that removes what its program left in /dev/shm, after the program's end.

    python -I -S _keeper.py

READER is the end of a pipe that the processes which make segments write to, MEMORY the file that is
the memory of the family: every process of the program has a shared lock (flock) on it. When all
have left it, the keeper removes the segments that nobody holds a shared lock on; others when that
is so. It starts in some milliseconds, because it loads nothing of the package.

A message ends in a NUL. It is "+DEVICE INODE NAME" for a segment that is about to get its name, the
same with "=" when it has got it, and "-NAME" for one that shall be left alone.
"""

from __future__ import annotations

import _thread
import fcntl
import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    # The segments of the program: their names, by device and inode, since names are used again.
    Kept = dict[tuple[int, int], bytes]

FOLDER = b"/dev/shm/"

READER, MEMORY = 3, 4

# Bytes far behind the end of the memory. Who has a lock on the one is the keeper of the family, who
# has one on the other is looking for it or starting it (_keeping.py).
KEEPER = 1 << 62
STARTING = KEEPER + 1

# A lock, as fcntl takes it: kind, from where, first byte, how many, the process that has it.
LOCK = struct.Struct("hhqqi4x")


def lock_of(byte: int, kind: int = fcntl.F_WRLCK) -> bytes:
    return LOCK.pack(kind, os.SEEK_SET, byte, 1, 0)


def main() -> None:
    os.chdir("/")
    silence(0, 1)
    close_others({0, 1, 2, READER, MEMORY})
    # While the program lives there is a writer, so that others may come later.
    writer = os.open(f"/proc/self/fd/{READER}", os.O_WRONLY | os.O_CLOEXEC)
    be_found()
    _thread.start_new_thread(wait_for_family, (writer,))
    kept = kept_at_the_end(READER)
    removed = [name for identity, name in kept.items() if remove_unused(name, identity)]
    if removed:
        tell(removed)
    silence(2)
    remove_when_unused(kept)


def be_found() -> None:
    try:
        fcntl.fcntl(MEMORY, fcntl.F_SETLK, lock_of(KEEPER))
    except OSError:
        return  # a second keeper, of those who cannot reach the first
    finally:
        fcntl.fcntl(MEMORY, fcntl.F_OFD_SETLK, lock_of(STARTING, fcntl.F_UNLCK))


def wait_for_family(writer: int) -> None:
    fcntl.flock(MEMORY, fcntl.LOCK_EX)
    os.close(MEMORY)
    os.close(writer)


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


def kept_at_the_end(reader: int) -> Kept:
    """What there is to keep when nobody writes any more."""
    kept: Kept = {}
    named: Kept = {}  # those of them that have had their name: without it they are gone
    tidy_at = 1024
    for message in messages(reader):
        if message.startswith(b"-"):
            kept = {identity: name for identity, name in kept.items() if name != message[1:]}
            continue
        device, inode, name = message[1:].split(b" ", 2)
        identity = int(device), int(inode)
        if message.startswith(b"+"):
            kept[identity] = name
        elif identity in kept:
            named[identity] = name
        if len(named) >= tidy_at:
            for identity, name in list(named.items()):
                if not is_there(name, identity):
                    kept.pop(identity, None)
                    del named[identity]
            tidy_at = 2 * len(named) + 1024
    return kept


def messages(reader: int) -> Iterator[bytes]:
    rest = b""
    while True:
        read = os.read(reader, 1 << 16)
        if not read:
            return
        *whole, rest = (rest + read).split(b"\0")
        yield from whole


def is_there(name: bytes, identity: tuple[int, int]) -> bool:
    try:
        status = os.lstat(FOLDER + name)
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == identity


def remove_unused(name: bytes, identity: tuple[int, int], wait: int = fcntl.LOCK_NB) -> bool:
    """Removes the segment if nobody uses it. Who is about to attach to it waits for our lock, and
    then sees that it is gone."""
    if not is_there(name, identity):
        return False
    try:
        fd = os.open(FOLDER + name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | wait)
        if not is_there(name, identity):
            return False
        os.unlink(FOLDER + name)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def remove_when_unused(kept: Kept) -> None:
    """Removes what others still use, each as soon as they are gone."""
    import threading

    for identity, name in kept.items():
        if is_there(name, identity):
            threading.Thread(target=remove_unused, args=(name, identity, 0)).start()


def tell(removed: list[bytes]) -> None:
    names = ", ".join(os.fsdecode(name) for name in removed)
    text = f"onecopy: removed from /dev/shm what nobody had unlinked: {names}\n"
    try:
        os.write(2, os.fsencode(text))
    except OSError:
        return  # nobody listens


if __name__ == "__main__":
    main()
