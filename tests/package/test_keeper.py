"""The keeper's books: what it was told of, and is still to keep when the last teller is gone."""

import os
import tempfile

import pytest

from onecopy import _keeper


def kept_after(*messages):
    with tempfile.TemporaryFile() as file:
        file.write(b"".join(message + b"\0" for message in messages))
        file.seek(0)
        return _keeper.kept_at_the_end(file.fileno())


@pytest.fixture
def segment():
    """The name of a file in /dev/shm, and what it is known by."""
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:
        status = os.fstat(file.fileno())
        yield os.path.basename(file.name).encode(), (status.st_dev, status.st_ino)


def told(sign, name, identity):
    return b"%c%d %d %s" % (sign, *identity, name)


def test_keeps_what_it_is_told_of(segment):
    name, identity = segment

    assert kept_after(told(b"+", *segment), told(b"=", *segment)) == {identity: name}
    assert kept_after(told(b"+", *segment), b"-" + name) == {}


def test_forgets_what_is_gone_when_it_becomes_much(segment):
    name, identity = segment
    gone = [told(sign, b"gone", (1, inode)) for inode in range(5000) for sign in (b"+", b"=")]

    kept = kept_after(told(b"+", *segment), told(b"=", *segment), *gone)

    assert kept[identity] == name
    assert len(kept) < 2000


def test_keeps_what_has_no_name_yet_whatever_comes_after(segment):
    # It was once taken for gone: its maker, killed a moment later, left it behind for good.
    gone = [told(sign, b"gone", (1, inode)) for inode in range(5000) for sign in (b"+", b"=")]

    kept = kept_after(told(b"+", b"not yet", (1, 9999)), *gone)

    assert kept[1, 9999] == b"not yet"


def test_a_name_that_is_used_again_is_another_segment(segment):
    name, identity = segment

    assert not _keeper.remove_unused(name, (identity[0], identity[1] + 1))
    assert _keeper.is_there(name, identity)
