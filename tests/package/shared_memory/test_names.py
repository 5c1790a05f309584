"""SharedMemory is stock's, found by its name: whole, and under the name that it was given."""

import contextlib
import os
import pickle
import stat
import threading
from multiprocessing import shared_memory as stock

import pytest

import onecopy as mp
from onecopy.shared_memory import SharedMemory


def test_is_one_of_stocks(memory):
    assert isinstance(memory, stock.SharedMemory)
    assert mp.shared_memory.SharedMemory is SharedMemory
    assert repr(memory) == f"SharedMemory({memory.name!r}, size=1000)"
    assert memory.size == len(memory.buf) == 1000


def test_a_name_that_is_made_up_is_found_by_nobody(memory):
    assert memory.name.startswith("psm_")
    assert len(bytes.fromhex(memory.name[4:])) == 8


def test_is_for_its_user_alone(memory):
    assert stat.S_IMODE(os.stat(f"/dev/shm/{memory.name}").st_mode) == 0o600


@pytest.mark.parametrize("other_kind", [SharedMemory, stock.SharedMemory])
def test_is_attached_to_by_name(memory, other_kind):
    other = other_kind(memory.name)
    other.buf[:3] = b"abc"

    assert bytes(memory.buf[:3]) == b"abc"
    assert (other.name, other.size) == (memory.name, memory.size)
    other.close()


def test_attaches_to_what_stock_made():
    other = stock.SharedMemory(create=True, size=10)
    memory = SharedMemory(other.name)
    memory.buf[9] = 5

    assert other.buf[9] == 5
    memory.close()
    other.close()
    other.unlink()


def test_travels_by_its_name(memory):
    other = pickle.loads(pickle.dumps(memory))
    other.buf[0] = 7

    assert memory.buf[0] == 7
    other.close()


def outcome(kind, *args, **kwargs):
    """What calling it shows: the exception with all that it says, or the name."""
    try:
        memory = kind(*args, **kwargs)
    except Exception as error:
        return type(error), str(error), getattr(error, "filename", None)
    memory.close()
    memory.unlink()
    return memory.name


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"size": -1},
        {"create": True},
        {"create": True, "size": -1},
        {"create": True, "size": "1"},
        {"create": True, "size": 1 << 64},
        {"name": ""},
        {"name": "", "create": True, "size": 1},
        {"name": "onecopy-missing"},
        {"name": "onecopy/in/a/folder"},
        {"name": "onecopy/in/a/folder", "create": True, "size": 1},
        {"name": "/onecopy-leading", "create": True, "size": 1},
        {"name": "..", "create": True, "size": 1},
        {"name": "x" * 255, "create": True, "size": 1},
        {"name": "x" * 256, "create": True, "size": 1},
        {"name": "x" * 256},
        {"name": 5},
        {"name": b"bytes", "create": True, "size": 1},
    ],
    ids=str,
)
def test_takes_the_arguments_of_stock(arguments):
    assert outcome(SharedMemory, **arguments) == outcome(stock.SharedMemory, **arguments)


@pytest.mark.parametrize("name", ["onecopy-ä€", "onecopy\nlines", "onecopy:colon", "onecopy space"])
def test_takes_any_name(name, python, soon_removed):
    # Stock's tracker writes ASCII in lines, with colons between.
    told = python(
        f"""
        from onecopy.shared_memory import SharedMemory
        memory = SharedMemory({name!r}, create=True, size=1)
        SharedMemory({name!r}).close()
        """
    )

    assert told.code == 0, told
    assert soon_removed(name)


@pytest.mark.parametrize("create", [True, False])
def test_a_name_is_taken_whole_or_not_at_all(create):
    # Before Python 3.13 stock's ends at the NUL.
    with pytest.raises(ValueError, match="embedded null character"):
        SharedMemory("null\0inside", create=create, size=1)


def test_a_name_that_is_taken_is_an_error(memory):
    with pytest.raises(FileExistsError) as raised:
        SharedMemory(memory.name, create=True, size=5)

    assert str(raised.value) == f"[Errno 17] File exists: '/{memory.name}'"
    assert memory.size == SharedMemory(memory.name).size


def test_is_unlinked_once(memory):
    memory.unlink()
    with pytest.raises(FileNotFoundError, match=memory.name):
        memory.unlink()
    with pytest.raises(FileNotFoundError, match=memory.name):
        SharedMemory(memory.name)


def test_has_its_name_when_it_is_whole():
    # Stock's has its name first and its size later.
    over = threading.Event()

    def make_again_and_again():
        while not over.is_set():
            memory = SharedMemory("onecopy-again", create=True, size=5000)
            memory.unlink()
            memory.close()

    maker = threading.Thread(target=make_again_and_again)
    maker.start()
    try:
        seen = 0
        while seen < 200:
            with contextlib.suppress(FileNotFoundError):
                memory = SharedMemory("onecopy-again")
                assert memory.size == 5000
                memory.close()
                seen += 1
    finally:
        over.set()
        maker.join()
