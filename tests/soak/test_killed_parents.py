"""Who goes when a parent is killed, whatever they are doing; and that nothing stays behind."""

import os
import shutil
import signal
import tempfile
import time

import pytest

from .conftest import members_of_session

pytestmark = pytest.mark.soak

# A second is promised; a busy machine needs more to show it.
PATIENCE = 20

METHODS = ("fork", "spawn", "forkserver")
WORK = ("busy", "get", "put", "call")


@pytest.fixture
def temporary():
    """A folder for temporary files, empty at the end; its name short enough for a socket's."""
    folder = tempfile.mkdtemp()
    named = set(os.listdir("/dev/shm"))
    yield folder
    wait_until(lambda: not os.listdir(folder))
    wait_until(lambda: set(os.listdir("/dev/shm")) <= named)  # but for what others have meanwhile
    shutil.rmtree(folder)


@pytest.fixture
def generations(temporary, start):
    """Starts the program; gives it, and the processes by name."""

    def start_generations(*words):
        program = start("generations.py", *words, TMPDIR=temporary)
        pids = {}
        while (line := program.stdout.readline()) != "ready\n":
            name, pid = line.split()
            pids.setdefault(name, []).append(int(pid))
        return program, pids

    return start_generations


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {PATIENCE} s in vain")
        time.sleep(0.01)


def is_in_session(pid, program):
    return pid in members_of_session(program.pid)


def ask(program):
    program.stdin.write("are you there?\n")
    program.stdin.flush()
    return program.stdout.readline()


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("method", METHODS)
def test_the_root_is_killed(generations, method, work):
    program, _ = generations(method, "children", work)

    program.kill()
    program.wait()

    wait_until(lambda: not members_of_session(program.pid))


@pytest.mark.parametrize("work", WORK)
def test_the_template_is_killed_and_then_the_root(generations, work):
    program, pids = generations("forkserver", "template", work)

    newcomer = ask(program)
    assert newcomer.startswith("daemon ")
    assert program.stdout.readline() == "are you there?\n"
    # To its parent a child of a killed template has ended, as under stock; a daemon then ends.
    wait_until(lambda: not any(is_in_session(pid, program) for pid in pids["daemon"]))
    assert is_in_session(int(newcomer.split()[1]), program)
    program.kill()
    program.wait()

    wait_until(lambda: not members_of_session(program.pid))


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("method", METHODS)
def test_a_process_between_is_killed_and_then_the_root(generations, method, work):
    program, pids = generations(method, "grandchildren", work)

    os.kill(pids["between"][0], signal.SIGKILL)
    wait_until(lambda: not any(is_in_session(pid, program) for pid in pids["daemon"]))
    assert ask(program) == "are you there?\n"
    program.kill()
    program.wait()

    wait_until(lambda: not members_of_session(program.pid))


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("method", METHODS)
def test_the_root_is_killed_and_then_the_process_between(generations, method, work):
    program, pids = generations(method, "grandchildren", work)

    program.kill()
    program.wait()
    os.kill(pids["between"][0], signal.SIGKILL)  # it lives on, as under stock

    wait_until(lambda: not members_of_session(program.pid))
