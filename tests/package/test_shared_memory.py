"""SharedMemory: what stock's does, without its faults. Stock's unmaps memory that an array of
NumPy's looks into; leaks a descriptor when it is closed under a view; ends with SIGBUS where
/dev/shm is full; and has a segment destroyed by whoever attached to it and ends first."""

import contextlib
import ctypes
import errno
import os
import pickle
import random
import re
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from multiprocessing import shared_memory as stock
from pickle import PickleBuffer

import pytest

import onecopy as mp
from onecopy.shared_memory import SharedMemory

KILLS = 200 if os.environ.get("ONECOPY_TEST_LONG") else 8


@pytest.fixture
def memory():
    memory = SharedMemory(create=True, size=1000)
    yield memory
    memory.close()
    with contextlib.suppress(FileNotFoundError):
        memory.unlink()


@pytest.fixture
def talk(program):
    """Starts a program that is told a line at a time, and answers so."""
    started = []

    def start(text, name="talking.py", package="onecopy"):
        opening = f"from {package}.shared_memory import SharedMemory\n"
        talking = subprocess.Popen(
            [sys.executable, program(opening + textwrap.dedent(text), name)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(talking)
        return talking

    yield start
    for talking in started:
        talking.kill()
        talking.communicate()


def exists(name):
    return os.path.exists(f"/dev/shm/{name}")


def is_soon_gone(name):
    deadline = time.monotonic() + 30
    while exists(name):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def is_mapped(name):
    with open("/proc/self/maps") as maps:
        return name in maps.read()


# --- what it is ---


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
def test_takes_any_name(name, python):
    # Stock's tracker writes ASCII in lines, with colons between.
    told = python(
        f"""
        from onecopy.shared_memory import SharedMemory
        memory = SharedMemory({name!r}, create=True, size=1)
        SharedMemory({name!r}).close()
        """
    )

    assert told.code == 0, told
    assert is_soon_gone(name)


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


# --- views ---


def test_closing_under_a_view_keeps_the_view_and_no_descriptor(memory):
    # Stock's raises BufferError, keeps its descriptors, and prints the error when collected.
    before = descriptors()
    other = SharedMemory(memory.name)
    view = memoryview(other.buf)[:5]
    memory.buf[:5] = b"hello"

    other.close()

    assert other.buf is None
    assert bytes(view) == b"hello"
    view.release()
    assert descriptors() == before


@pytest.mark.parametrize("look", [memoryview, (ctypes.c_char * 1000).from_buffer, PickleBuffer])
def test_the_mapping_goes_with_the_last_view(memory, look):
    other = SharedMemory(memory.name)
    view = look(other.buf)
    other.close()

    memoryview(view).cast("B")[:2] = b"ok"
    assert bytes(memoryview(view).cast("B")[:2]) == b"ok"
    assert is_mapped(memory.name)
    del view
    assert not is_mapped(memory.name)


def test_an_array_outlives_the_closing(python):
    # NumPy keeps the buffer's object without telling it, and stock's close unmaps the memory.
    told = python(
        """
        import gc
        import numpy as np
        from onecopy.shared_memory import SharedMemory

        def array_over(name):
            return np.ndarray((1000,), "u1", buffer=SharedMemory(name).buf)

        memory = SharedMemory(create=True, size=1000)
        array = np.ndarray((1000,), "u1", buffer=memory.buf)
        collected = array_over(memory.name)
        part = array[10:20]
        gc.collect()
        memory.close()
        array[:] = 7
        print(collected.sum(), part.sum(), memory.buf)
        memory.unlink()
        """
    )
    assert (told.code, told.stdout, told.stderr) == (0, "7000 70 None\n", ""), told


def test_buf_is_released_by_closing(memory):
    view = memory.buf
    memory.close()

    with pytest.raises(ValueError, match="released memoryview"):
        view[0]
    assert memory.buf is None


def test_collecting_says_nothing(python):
    told = python(
        """
        from onecopy.shared_memory import SharedMemory
        memory = SharedMemory(create=True, size=10)
        memory.unlink()
        view = memoryview(memory.buf)
        del memory
        view[0] = 5
        other = SharedMemory(create=True, size=10)
        other.unlink()
        last = memoryview(other.buf)  # collected with the interpreter
        """
    )
    assert (told.code, told.stdout, told.stderr) == (0, "", ""), told


# --- room ---

FILL = """
    from onecopy.shared_memory import SharedMemory
    try:
        SharedMemory("onecopy-full", create=True, size=64 << 20)
    except OSError as error:
        print(error.errno, error)
    memories = []
    try:
        while len(memories) < 100:
            memories.append(SharedMemory(create=True, size=3 << 20))
    except OSError as error:
        print(error.errno, error)
    print(len(memories))
    for memory in memories:
        memory.buf[:] = bytes(memory.size)
        memory.close()
        memory.unlink()
    SharedMemory("onecopy-full", create=True, size=6 << 20).unlink()
"""


def test_a_full_dev_shm_is_an_error_and_no_sigbus(program):
    small = "mount -t tmpfs -o size=8m tmpfs /dev/shm && exec "
    command = [sys.executable, program(FILL)]
    if subprocess.call(["unshare", "-m", "true"], stderr=subprocess.DEVNULL) == 0:
        command = ["unshare", "-m", "sh", "-c", small + " ".join(command)]
        expected = (
            f"{errno.ENOSPC} [Errno 28] no room for {64 << 20} bytes of shared memory: '/dev/shm'\n"
            f"{errno.ENOSPC} [Errno 28] no room for {3 << 20} bytes of shared memory: '/dev/shm'\n"
            "2\n"
        )
    else:
        command = ["sh", "-c", "ulimit -f 4096 && exec " + " ".join(command)]  # 2 or 4 MiB
        expected = f"{errno.EFBIG} [Errno 27] File too large\n" * 2 + "0\n"

    told = subprocess.run(command, capture_output=True, check=False, text=True)

    assert (told.returncode, told.stdout, told.stderr) == (0, expected, ""), told


def test_memory_is_got_among_signals(memory):
    # Each interrupts what gives the memory.
    received = []
    before = signal.signal(signal.SIGALRM, lambda *_: received.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        large = SharedMemory(create=True, size=200 << 20)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert os.stat(f"/dev/shm/{large.name}").st_blocks * 512 >= large.size
    assert received
    large.close()
    large.unlink()


# --- how long it lives ---

MAKE = """
    memory = SharedMemory(create=True, size=100)
    print(memory.name, flush=True)
    input()
"""

ATTACH = """
    memory = SharedMemory(input())
    print(memory.buf[0], flush=True)
    input()
"""


def test_what_a_killed_program_left_goes(talk):
    maker = talk(MAKE)
    name = maker.stdout.readline().strip()
    assert exists(name)

    maker.kill()

    assert is_soon_gone(name)


def test_what_others_use_outlives_its_killed_maker(talk):
    maker, user = talk(MAKE), talk(ATTACH, "user.py")
    name = maker.stdout.readline().strip()
    print(name, file=user.stdin, flush=True)
    user.stdout.readline()

    maker.kill()
    maker.wait()
    for _ in range(3):
        attach = f"from onecopy.shared_memory import SharedMemory; SharedMemory({name!r})"
        assert subprocess.call([sys.executable, "-c", attach]) == 0

    user.kill()
    assert is_soon_gone(name)


@pytest.mark.parametrize("how", ["ends", "is killed"])
def test_a_user_that_goes_destroys_nothing(memory, talk, how):
    user = talk(ATTACH)
    print(memory.name, file=user.stdin, flush=True)
    user.stdout.readline()

    if how == "ends":
        print(file=user.stdin, flush=True)
        assert user.wait() == 0
        assert user.stderr.read() == ""  # no tracker complains of a leak
    else:
        user.kill()
        user.wait()

    SharedMemory(memory.name).close()


def test_a_user_that_goes_destroys_nothing_that_its_maker_has_closed(memory, python):
    memory.close()
    for _ in range(2):
        told = python(
            """
            import sys
            from onecopy.shared_memory import SharedMemory
            SharedMemory(sys.argv[1]).buf[0] += 1
            """,
            memory.name,
        )
        assert (told.code, told.stderr) == (0, ""), told

    assert SharedMemory(memory.name).buf[0] == 2


def test_a_user_that_goes_destroys_nothing_of_stocks(talk, python):
    maker = talk(MAKE, package="multiprocessing")
    name = maker.stdout.readline().strip()
    told = python(f"from onecopy.shared_memory import SharedMemory; SharedMemory({name!r})")

    assert (told.code, told.stderr) == (0, ""), told
    assert exists(name)
    print(file=maker.stdin, flush=True)
    maker.wait()


MAKE_AND_UNLINK = """
    print("made", flush=True)
    for count in range(1_000_000):
        memory = SharedMemory(create=True, size=100)
        if count % 3:
            memory.unlink()
        if count % 2:
            memory.close()
"""

ATTACH_AGAIN_AND_AGAIN = """
    name = input()
    print("attached", flush=True)
    while True:
        SharedMemory(name).close()
"""


def test_kills_at_any_moment_leave_what_is_used_and_nothing_else(memory, talk):
    def segments():
        return {name for name in os.listdir("/dev/shm") if re.fullmatch("psm_.{16}", name)}

    before = segments()
    for _ in range(KILLS):
        maker, user = talk(MAKE_AND_UNLINK), talk(ATTACH_AGAIN_AND_AGAIN, "user.py")
        print(memory.name, file=user.stdin, flush=True)
        for talking in (maker, user):
            talking.stdout.readline()
        time.sleep(random.uniform(0, 0.05))
        for talking in (maker, user):
            talking.kill()
            talking.wait()
        assert exists(memory.name)

    for name in segments() - before:
        assert is_soon_gone(name)


def test_untracked_it_is_left_alone(python):
    told = python(
        """
        from onecopy.shared_memory import SharedMemory
        kept = SharedMemory(create=True, size=1, track=False)
        left = SharedMemory(create=True, size=1)
        print(kept.name, left.name)
        """
    )
    kept, left = told.stdout.split()

    assert is_soon_gone(left)
    memory = SharedMemory(kept)
    memory.close()
    memory.unlink()


def test_what_was_unlinked_is_nobodys_concern(python):
    told = python(
        """
        from onecopy.shared_memory import SharedMemory
        memory = SharedMemory(create=True, size=1)
        SharedMemory(memory.name).close()
        memory.close()
        memory.unlink()
        """
    )
    assert (told.code, told.stdout, told.stderr) == (0, "", ""), told


MAKE_IN_A_CHILD = """
    import sys
    import onecopy as mp
    from onecopy.shared_memory import SharedMemory

    def make(names):
        memory = SharedMemory(create=True, size=10)
        memory.buf[0] = 9
        memory.close()
        names.put(memory.name)

    def name_of_child(context):
        names = context.Queue()
        child = context.Process(target=make, args=(names,))
        child.start()
        child.join()
        return names.get()

    if __name__ == "__main__":
        context = mp.get_context(sys.argv[1])
        first, second = name_of_child(context), name_of_child(context)
        print(SharedMemory(first).buf[0], SharedMemory(second).buf[0], first, second)
"""


def test_what_a_child_made_lives_as_long_as_the_program(python, method):
    told = python(MAKE_IN_A_CHILD, method)
    nine, nine_too, first, second = told.stdout.split()

    assert (nine, nine_too) == ("9", "9")
    assert is_soon_gone(first)
    assert is_soon_gone(second)


def test_a_family_has_one_keeper(python, method):
    # A worker that had one of its own would leave it running until the program ends.
    told = python(
        """
        import os, sys
        import onecopy as mp
        from onecopy import _keeping
        from onecopy.shared_memory import SharedMemory

        def pipe_to_keeper(_):
            memory = SharedMemory(create=True, size=10)
            memory.close()
            memory.unlink()
            return os.fstat(_keeping._pipe).st_ino

        if __name__ == "__main__":
            with mp.get_context(sys.argv[1]).Pool(3, maxtasksperchild=1) as pool:
                pipes = pool.map(pipe_to_keeper, range(6), chunksize=1)
            print(len({pipe_to_keeper(None), *pipes}))
        """,
        method,
    )
    assert (told.code, told.stdout, told.stderr) == (0, "1\n", ""), told


def test_signals_to_a_whole_group_spare_the_keeper(program):
    maker = subprocess.Popen(
        [
            sys.executable,
            program("from onecopy.shared_memory import SharedMemory\n" + textwrap.dedent(MAKE)),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    name = maker.stdout.readline().strip()

    os.killpg(maker.pid, signal.SIGKILL)
    maker.communicate()

    assert is_soon_gone(name)


def test_a_keeper_that_was_killed_has_a_successor(python, soon_gone):
    told = python(
        """
        import os, signal
        from pathlib import Path
        from onecopy.shared_memory import SharedMemory

        SharedMemory(create=True, size=1).unlink()
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)
            os.waitpid(int(child), 0)
        print(len(children), SharedMemory(create=True, size=1).name)
        """
    )
    count, name = told.stdout.split()

    assert (told.code, count) == (0, "1"), told
    assert is_soon_gone(name)


def test_programs_may_untrack_what_they_attach_to(memory, python):
    # What many do because of stock's fault.
    told = python(
        """
        import sys
        from onecopy.install import install
        install()
        from multiprocessing import resource_tracker, shared_memory
        memory = shared_memory.SharedMemory(sys.argv[1])
        resource_tracker.unregister(memory._name, "shared_memory")
        own = shared_memory.SharedMemory(create=True, size=1)
        resource_tracker.unregister(own._name, "shared_memory")
        print(own.name)
        """,
        memory.name,
    )
    kept = SharedMemory(told.stdout.strip())

    assert (told.code, told.stderr) == (0, ""), told
    kept.close()
    kept.unlink()


def test_a_manager_of_shared_memory_works_over_it(python, method):
    told = python(
        """
        import sys
        from onecopy.install import install
        install()
        import multiprocessing
        from multiprocessing.managers import SharedMemoryManager
        import onecopy

        if __name__ == "__main__":
            multiprocessing.set_start_method(sys.argv[1])
            with SharedMemoryManager() as manager:
                memory, shared = manager.SharedMemory(10), manager.ShareableList(["a", b"b" * 20])
                kinds = onecopy.shared_memory.SharedMemory, onecopy.shared_memory.ShareableList
                print(type(memory) is kinds[0], type(shared) is kinds[1], shared[1] == b"b" * 20)
            try:
                kinds[0](memory.name)
            except FileNotFoundError:
                print("gone")
        """,
        method,
    )
    assert (told.code, told.stdout, told.stderr) == (0, "True True True\ngone\n", ""), told
