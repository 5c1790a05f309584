"""The keeper: there is one to a family, and neither its death nor its limits lose a name."""

import os
import signal
import subprocess
import sys
import textwrap

OPENING = """
import os, signal
from pathlib import Path
from onecopy.shared_memory import SharedMemory

def the_keeper():
    (child,) = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return int(child)

def kill_the_keeper():
    keeper = the_keeper()
    os.kill(keeper, signal.SIGKILL)
    os.waitpid(keeper, 0)
"""


def program_of(text):
    return OPENING + textwrap.dedent(text)


# --- one to a family, as long as it lives ---


def test_a_family_has_one_keeper(python, method):
    # A worker that had one of its own would leave it running until the program ends.
    told = python(
        """
        import os, sys
        import onecopy as mp
        from onecopy import _keeping
        from onecopy.shared_memory import SharedMemory

        def books_of_keeper(_):
            memory = SharedMemory(create=True, size=10)
            memory.close()
            memory.unlink()
            return os.fstat(_keeping._books.descriptor).st_ino

        if __name__ == "__main__":
            with mp.get_context(sys.argv[1]).Pool(3, maxtasksperchild=1) as pool:
                books = pool.map(books_of_keeper, range(6), chunksize=1)
            print(len({books_of_keeper(None), *books}))
        """,
        method,
    )
    assert (told.code, told.stdout, told.stderr) == (0, "1\n", ""), told


def test_a_family_lives_when_its_template_is_dead(python):
    # A template has another descriptor of the memory of the family than the program. The keeper
    # once went by that alone, and removed what a child had made and the program still counted on.
    told = python(
        """
        import fcntl, os, signal
        import onecopy as mp
        from multiprocessing.forkserver import _forkserver
        from onecopy import _engine
        from onecopy.shared_memory import SharedMemory

        def make(names):
            memory = SharedMemory(create=True, size=1)
            memory.close()
            names.put(memory.name)

        if __name__ == "__main__":
            context = mp.get_context("forkserver")
            names = context.Queue()
            child = context.Process(target=make, args=(names,))
            child.start()
            memory = SharedMemory(names.get())
            child.join()
            os.kill(_forkserver._forkserver_pid, signal.SIGKILL)
            os.waitpid(_forkserver._forkserver_pid, 0)
            family = os.open(f"/proc/self/fd/{_engine.family_descriptor()}", os.O_RDWR)
            try:
                fcntl.flock(family, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as the keeper does
            except BlockingIOError:
                print("lives")
            memory.unlink()
        """
    )
    assert (told.code, told.stdout, told.stderr) == (0, "lives\n", ""), told


def test_signals_to_a_whole_group_spare_the_keeper(program, soon_removed):
    maker = subprocess.Popen(
        [
            sys.executable,
            program(
                """
                from onecopy.shared_memory import SharedMemory
                memory = SharedMemory(create=True, size=100)
                print(memory.name, flush=True)
                input()
                """
            ),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    name = maker.stdout.readline().strip()

    os.killpg(maker.pid, signal.SIGKILL)
    maker.communicate()

    assert soon_removed(name)


# --- its death ---


def test_a_killed_keeper_has_a_successor_that_knows_as_much(talk, soon_removed):
    # What the first was told was once forgotten, and stayed behind.
    maker = talk(
        program_of(
            """
            print(SharedMemory(create=True, size=1).name, flush=True)
            kill_the_keeper()
            print(SharedMemory(create=True, size=1).name, flush=True)
            input()
            """
        )
    )
    names = [maker.stdout.readline().strip() for _ in range(2)]

    maker.kill()

    assert all(soon_removed(name) for name in names)


def test_the_end_of_a_program_sees_to_a_keeper(python, soon_removed):
    told = python(
        program_of(
            """
            print(SharedMemory(create=True, size=1).name)
            kill_the_keeper()
            """
        )
    )

    assert told.code == 0, told
    assert soon_removed(told.stdout.strip())


def test_the_death_of_a_keeper_is_no_signal(python):
    # It was once told of segments by a pipe, whose breaking ends a program that asks for that.
    told = python(
        program_of(
            """
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            SharedMemory(create=True, size=1).unlink()
            kill_the_keeper()
            SharedMemory(create=True, size=1).unlink()
            print("alive")
            """
        )
    )
    assert (told.code, told.stdout, told.stderr) == (0, "alive\n", ""), told


def test_a_stopped_keeper_holds_nobody_up(python):
    # Its pipe was once full after a thousand segments, and the program waited for it.
    told = python(
        program_of(
            """
            SharedMemory(create=True, size=1).unlink()
            os.kill(the_keeper(), signal.SIGSTOP)
            for _ in range(2000):
                SharedMemory(create=True, size=1).unlink()
            os.kill(the_keeper(), signal.SIGCONT)
            print("done")
            """
        )
    )
    assert (told.code, told.stdout, told.stderr) == (0, "done\n", ""), told


def test_a_program_that_closes_all_descriptors_has_another_keeper(talk, soon_removed):
    maker = talk(
        program_of(
            """
            print(SharedMemory(create=True, size=1).name, flush=True)
            os.closerange(3, 1000)
            print(SharedMemory(create=True, size=1).name, flush=True)
            os.closerange(3, 1000)
            print(SharedMemory(create=True, size=1).name, flush=True)
            input()
            """
        )
    )
    names = [maker.stdout.readline().strip() for _ in range(3)]

    maker.kill()

    assert all(soon_removed(name) for name in names)


# --- what others still use ---

USE = """
    count = int(input())
    memories = [SharedMemory(input()) for _ in range(count)]
    print("attached", flush=True)
    for memory in memories[:int(input() or 0)]:
        memory.unlink()
    print("unlinked", flush=True)
    input()
"""


def use(talk, names):
    """A program that has them open."""
    user = talk(USE, "user.py")
    print(len(names), *names, sep="\n", file=user.stdin, flush=True)
    assert user.stdout.readline() == "attached\n"
    return user


def test_few_descriptors_are_enough_for_many_segments(talk, soon_removed):
    # It once took a thread and a descriptor for each that was in use; those it had none for stayed.
    maker = talk(
        """
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
        for _ in range(200):
            memory = SharedMemory(create=True, size=1)
            memory.close()
            print(memory.name, flush=True)
        input()
        """
    )
    names = [maker.stdout.readline().strip() for _ in range(200)]
    user = use(talk, names)

    maker.kill()
    maker.communicate()  # to the end of its stderr, which the keeper has until it has looked once
    assert all(os.path.exists(f"/dev/shm/{name}") for name in names)

    user.kill()
    assert all(soon_removed(name) for name in names)


def test_a_keeper_waits_for_nothing_that_others_unlinked(talk, soon_gone):
    # It once waited for the lock of each segment, and so had it open, which keeps the memory.
    maker = talk(
        program_of(
            """
            memory = SharedMemory(create=True, size=1)
            print(memory.name, the_keeper(), flush=True)
            input()
            """
        )
    )
    name, keeper = maker.stdout.readline().split()
    user = use(talk, [name])
    maker.kill()
    maker.communicate()

    print(1, file=user.stdin, flush=True)
    assert user.stdout.readline() == "unlinked\n"

    assert soon_gone([int(keeper)])
    assert user.poll() is None
