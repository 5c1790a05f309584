"""The books: a file without a name in which the processes of a family note the segments that they
make, for the keeper (_keeper.py), who reads it when they are gone.

Entries are only ever appended, each by one write, so that no kill leaves half of one and none is
lost when two write at once; they are the same whatever order they come in. When they have become
many, who notices copies to the end what is still needed, and only then gives back the pages
before.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os

from ._keeper import (
    ENTRY,
    KEEPER,
    LEFT_ALONE,
    LOCK,
    NAMED,
    beginning_of,
    is_there,
    lock_of,
    noted_in,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._keeper import Noted

FOLDER = "/dev/shm"

# They are put in order when they take so many bytes, and twice what they took afterwards.
_MANY = 1 << 19

# Who has a lock on this byte does so.
_ORDERING = KEEPER + 2


class Books:
    """One descriptor of the books, which appends. OSError: the system gives no such file."""

    def __init__(self, descriptor: int | None = None) -> None:
        self.descriptor = _new_file() if descriptor is None else descriptor
        fcntl.fcntl(self.descriptor, fcntl.F_SETFL, os.O_APPEND)
        self._identity = identity_of(self.descriptor)
        self._many = _MANY

    def is_open(self) -> bool:
        """Programs close descriptors that they do not know."""
        try:
            return identity_of(self.descriptor) == self._identity
        except OSError:
            return False

    def have_keeper(self) -> bool:
        """Whether there is a process that reads them in the end, or is about to come."""
        asked = lock_of(KEEPER, count=2)
        kind: int = LOCK.unpack(fcntl.fcntl(self.descriptor, fcntl.F_GETLK, asked))[0]
        return kind != fcntl.F_UNLCK

    def note(self, sign: bytes, identity: tuple[int, int], name: bytes) -> None:
        os.write(self.descriptor, ENTRY.pack(sign, *identity, name))

    def needed(self) -> Noted:
        """What is in the books but for the segments that are gone. One that has not had its name
        yet is not."""
        return {
            segment: signs
            for segment, signs in noted_in(self.descriptor).items()
            if not signs & {NAMED, LEFT_ALONE} or is_there(segment)
        }

    def put_in_order(self) -> None:
        """Where they have become many, and no other process is at it."""
        if os.fstat(self.descriptor).st_blocks * 512 < self._many:
            return
        try:
            fcntl.fcntl(self.descriptor, fcntl.F_SETLK, lock_of(_ORDERING))
        except OSError:
            return
        try:
            with contextlib.suppress(OSError):  # no memory: another time
                self._copy_and_clear()
        finally:
            fcntl.fcntl(self.descriptor, fcntl.F_SETLK, lock_of(_ORDERING, fcntl.F_UNLCK))

    def _copy_and_clear(self) -> None:
        size = os.fstat(self.descriptor).st_size
        begin = beginning_of(self.descriptor)
        for (*identity, name), signs in self.needed().items():
            for sign in signs:
                self.note(sign, (identity[0], identity[1]), name)
        if begin < size:
            with mmap.mmap(self.descriptor, size - begin, offset=begin) as cleared:
                whole_pages = (size - begin) // mmap.PAGESIZE * mmap.PAGESIZE
                if whole_pages:
                    cleared.madvise(mmap.MADV_REMOVE, 0, whole_pages)
                for place in range(whole_pages, size - begin, ENTRY.size):
                    cleared[place] = 0  # the sign
        self._many = _MANY + 2 * 512 * os.fstat(self.descriptor).st_blocks


def _new_file() -> int:
    with contextlib.suppress(AttributeError, OSError):
        return os.memfd_create("onecopy-books", os.MFD_CLOEXEC)
    return os.open(FOLDER, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)


def identity_of(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino
