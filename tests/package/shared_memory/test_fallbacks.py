"""Where a file cannot be given its name later, or there is no /proc, segments are there all the
same: with their names from the start, and with stock's resource tracker for a keeper."""

import errno
import os

import pytest

from onecopy import _keeping
from onecopy.shared_memory import ShareableList, SharedMemory

WITHOUT_NAMELESS_FILES = """
import errno, os
open_file = os.open
def open_but_nameless(path, flags, *further, **named):
    if flags & os.O_TMPFILE == os.O_TMPFILE:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), path)
    return open_file(path, flags, *further, **named)
os.open = open_but_nameless
"""

WITHOUT_PROC = """
from onecopy import _keeping
_keeping.DESCRIPTORS = "/nowhere"
"""

MAKE = """
from onecopy.shared_memory import SharedMemory
memory = SharedMemory(create=True, size=10)
print(memory.name, flush=True)
input()
"""

lacking = pytest.mark.parametrize(
    "lack", [WITHOUT_NAMELESS_FILES, WITHOUT_PROC], ids=["nameless files", "proc"]
)


@pytest.fixture(params=["nameless files", "proc"])
def less(request, monkeypatch):
    """This process has less than it is used to."""
    if request.param == "proc":
        monkeypatch.setattr(_keeping, "DESCRIPTORS", "/nowhere")
        return
    open_file = os.open

    def open_but_nameless(path, flags, *further, **named):
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        return open_file(path, flags, *further, **named)

    monkeypatch.setattr(os, "open", open_but_nameless)


def test_segments_are_made_and_found_and_unlinked(less):
    memory = SharedMemory(create=True, size=1000)
    memory.buf[:5] = b"hello"
    other = SharedMemory(memory.name)

    assert bytes(other.buf[:5]) == b"hello"
    assert os.stat(f"/dev/shm/{memory.name}").st_blocks * 512 >= 1000
    memory.close()
    other.close()
    other.unlink()
    with pytest.raises(FileNotFoundError):
        SharedMemory(memory.name)


def test_lists_are_made_and_found(less):
    shared = ShareableList([1, "text", b"end\0"])

    assert list(ShareableList(name=shared.shm.name)) == [1, "text", b"end\0"]
    shared.shm.unlink()


def test_a_name_that_is_taken_is_an_error(less, memory):
    with pytest.raises(FileExistsError, match=memory.name):
        SharedMemory(memory.name, create=True, size=5)

    assert SharedMemory(memory.name).size == memory.size


def test_what_fails_leaves_nothing(less):
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="no room for"):
        SharedMemory("onecopy-too-large", create=True, size=1 << 60)
    with pytest.raises(OSError, match="x{300}"):
        SharedMemory("x" * 300, create=True, size=1)

    assert not os.path.exists("/dev/shm/onecopy-too-large")
    assert len(os.listdir("/proc/self/fd")) == before


@lacking
def test_what_was_unlinked_is_nobodys_concern(to_the_end, lack):
    told = to_the_end(
        lack
        + """
from onecopy.shared_memory import SharedMemory
memory = SharedMemory(create=True, size=10)
SharedMemory(memory.name).close()
memory.unlink()
"""
    )

    assert (told.returncode, told.stdout, told.stderr) == (0, "", ""), told


@lacking
def test_what_a_killed_program_left_goes(talk, soon_removed, lack):
    maker = talk(lack + MAKE)
    name = maker.stdout.readline().strip()

    maker.kill()

    assert soon_removed(name)


def test_a_frozen_program_does_not_start_itself_for_a_keeper(talk, soon_removed):
    # What is started as the interpreter is then the whole program, which would do the same again.
    maker = talk(
        """
        import sys
        from onecopy import _keeping
        sys.frozen = True
        memory = SharedMemory(create=True, size=10)
        print(memory.name, _keeping._books, flush=True)
        input()
        """
    )
    name, books = maker.stdout.readline().split()

    assert books == "None"
    maker.kill()
    assert soon_removed(name)
