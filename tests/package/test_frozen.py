"""A frozen program: its executable is the program itself, which freeze_support() makes do what a
child, a template or a tracker is started for. This one is frozen as PyInstaller does it, but for
its being one file."""

import signal
import sys
import time
from pathlib import Path

import pytest

FROZEN = """
    import multiprocessing, multiprocessing.spawn, os, sys

    generation = int(os.environ.get("GENERATION", "0"))
    os.environ["GENERATION"] = str(generation + 1)
    if generation > 3:
        sys.exit("runs itself again and again")

    sys.frozen = True
    sys.executable = os.environ["FROZEN"]
    multiprocessing.spawn.set_executable(sys.executable)

    HELPERS = (
        "from multiprocessing.resource_tracker import main",
        "from multiprocessing.forkserver import main",
        "import sys; from multiprocessing.forkserver import main",
    )

    def freeze_support():
        command = sys.argv[sys.argv.index("-c") + 1] if "-c" in sys.argv else ""
        if command.startswith(HELPERS):
            exec(command, {})
            sys.exit()
        if multiprocessing.spawn.is_forking(sys.argv):
            named = (word.split("=") for word in sys.argv[2:])
            multiprocessing.spawn.spawn_main(**{name: int(value) for name, value in named})
            sys.exit()

    multiprocessing.freeze_support = multiprocessing.spawn.freeze_support = freeze_support
"""


@pytest.fixture
def frozen(program, python):
    """Runs a program as if it had been frozen."""

    def start(text, *words):
        path = program(FROZEN + text)
        executable = Path(program(f'#!/bin/sh\nexec "{sys.executable}" "{path}" "$@"\n', "frozen"))
        executable.chmod(0o755)
        return python(FROZEN + text, *words, FROZEN=str(executable))

    return start


def test_every_start_method(frozen, method):
    """Onecopy's freeze_support() did nothing, and the program ran itself again and again."""
    outcome = frozen(
        """
    import onecopy as mp

    def child(queue, words):
        queue.put((words, getattr(sys, "frozen", False)))

    if __name__ == "__main__":
        mp.freeze_support()
        mp.set_start_method(sys.argv[1])
        queue = mp.Queue()
        process = mp.Process(target=child, args=(queue, "said"))
        process.start()
        print(*queue.get())
        process.join()
        with mp.Pool(2) as pool:
            print(pool.map(abs, [-1, 2]))
    """,
        method,
    )
    assert (outcome.code, outcome.stdout) == (0, "said True\n[1, 2]\n"), outcome


def test_what_a_killed_one_leaves_is_removed(frozen):
    """By stock's tracker, which freeze_support() knows. The keeper was the program once more."""
    outcome = frozen(
        """
    import onecopy as mp, onecopy.shared_memory
    import signal

    if __name__ == "__main__":
        mp.freeze_support()
        print(mp.shared_memory.SharedMemory(create=True, size=100).name, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    )
    (name,) = outcome.stdout.splitlines()
    assert outcome.code == -signal.SIGKILL, outcome
    segment, deadline = Path("/dev/shm", name), time.monotonic() + 10
    while segment.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not segment.exists()
