"""The books: what was noted is found again, however much and by however many it was."""

import multiprocessing
import os
import tempfile

import pytest

from onecopy import _keeper
from onecopy._books import Books
from onecopy._keeper import ENTRY, LEFT_ALONE, NAMED, PLANNED


@pytest.fixture
def books():
    books = Books()
    yield books
    os.close(books.descriptor)


@pytest.fixture
def segment():
    """What a file in /dev/shm is known by."""
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:
        status = os.fstat(file.fileno())
        yield status.st_dev, status.st_ino, os.path.basename(file.name).encode()


def note(books, segment, *signs):
    device, inode, name = segment
    for sign in signs:
        books.note(sign, (device, inode), name)


def note_what_is_gone(books, count):
    for inode in range(count):
        note(books, (1, inode, b"gone"), PLANNED, NAMED)
        books.put_in_order()


def size(books):
    return os.fstat(books.descriptor).st_blocks * 512


def test_what_is_noted_is_found(books, segment):
    note(books, segment, PLANNED, NAMED)

    assert _keeper.noted_in(books.descriptor) == {segment: {PLANNED, NAMED}}
    assert books.needed() == {segment: {PLANNED, NAMED}}


def test_the_longest_name_has_room(books):
    longest = 1, 2, b"x" * 255
    note(books, longest, PLANNED)

    assert _keeper.noted_in(books.descriptor) == {longest: {PLANNED}}


def test_an_entry_lies_in_one_page():
    # Which makes writing it one step: a kill in the middle of two pages would leave half of it.
    assert os.sysconf("SC_PAGESIZE") % ENTRY.size == 0


def test_what_is_gone_takes_no_room_when_it_becomes_much(books, segment):
    note(books, segment, PLANNED, NAMED, LEFT_ALONE)
    note_what_is_gone(books, 5000)

    assert _keeper.noted_in(books.descriptor)[segment] == {PLANNED, NAMED, LEFT_ALONE}
    assert size(books) < 1_500_000
    assert os.fstat(books.descriptor).st_size > 2 * 5000 * ENTRY.size


def test_what_has_no_name_yet_stays_whatever_comes_after(books):
    # It was once taken for gone: its maker, killed a moment later, left it behind for good.
    planned = 1, 9999, b"not yet"
    note(books, planned, PLANNED)
    note_what_is_gone(books, 5000)

    assert books.needed() == {planned: {PLANNED}}


def test_a_name_that_could_not_be_had_is_not_noted_for_ever(python):
    # It was once, so that trying for a name again and again took ever more memory.
    told = python(
        """
        import contextlib
        from onecopy import _keeping
        from onecopy.shared_memory import SharedMemory

        memory = SharedMemory(create=True, size=1)
        for _ in range(10):
            with contextlib.suppress(FileExistsError):
                SharedMemory(memory.name, create=True, size=1)
        print(len(_keeping._books.needed()))
        memory.unlink()
        """
    )
    assert (told.code, told.stdout, told.stderr) == (0, "1\n", ""), told


def test_many_put_them_in_order_at_the_same_time(books, segment):
    note(books, segment, PLANNED, NAMED)
    context = multiprocessing.get_context("fork")
    others = [context.Process(target=note_what_is_gone, args=(books, 3000)) for _ in range(3)]
    for other in others:
        other.start()
    for other in others:
        other.join()

    assert books.needed() == {segment: {PLANNED, NAMED}}


def test_without_memory_files_they_lie_in_dev_shm(monkeypatch, segment):
    def refuse(*_):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "memfd_create", refuse)
    books = Books()
    note(books, segment, NAMED)

    assert os.readlink(f"/proc/self/fd/{books.descriptor}").startswith("/dev/shm/")
    assert books.needed() == {segment: {NAMED}}
    os.close(books.descriptor)


def test_a_name_that_is_used_again_is_another_segment(segment):
    device, inode, name = segment

    assert _keeper.remove((device, inode + 1, name)) is _keeper.GONE
    assert _keeper.is_there(segment)
