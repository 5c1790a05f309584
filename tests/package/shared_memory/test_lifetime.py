"""A segment lives until its program and all who use it are gone. Stock's is destroyed by whoever
attached to it and ends first."""

import os
import random
import re
import subprocess
import sys
import time

import pytest

from onecopy.shared_memory import SharedMemory

KILLS = 200 if os.environ.get("ONECOPY_TEST_LONG") else 8


def exists(name):
    return os.path.exists(f"/dev/shm/{name}")


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


def test_what_a_killed_program_left_goes(talk, soon_removed):
    maker = talk(MAKE)
    name = maker.stdout.readline().strip()
    assert exists(name)

    maker.kill()

    assert soon_removed(name)


def test_what_others_use_outlives_its_killed_maker(talk, soon_removed):
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
    assert soon_removed(name)


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


def test_kills_at_any_moment_leave_what_is_used_and_nothing_else(memory, talk, soon_removed):
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
        assert soon_removed(name)


def test_untracked_it_is_left_alone(python, soon_removed):
    told = python(
        """
        from onecopy.shared_memory import SharedMemory
        kept = SharedMemory(create=True, size=1, track=False)
        left = SharedMemory(create=True, size=1)
        print(kept.name, left.name)
        """
    )
    kept, left = told.stdout.split()

    assert soon_removed(left)
    memory = SharedMemory(kept)
    memory.close()
    memory.unlink()


def test_what_was_unlinked_is_nobodys_concern(to_the_end):
    told = to_the_end(
        """
        from onecopy.shared_memory import SharedMemory
        memory = SharedMemory(create=True, size=1)
        SharedMemory(memory.name).close()
        memory.close()
        memory.unlink()
        """
    )
    assert (told.returncode, told.stdout, told.stderr) == (0, "", ""), told


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


def test_what_a_child_made_lives_as_long_as_the_program(python, method, soon_removed):
    told = python(MAKE_IN_A_CHILD, method)
    nine, nine_too, first, second = told.stdout.split()

    assert (nine, nine_too) == ("9", "9")
    assert soon_removed(first)
    assert soon_removed(second)
