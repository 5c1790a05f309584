"""What the tests of segments have in common: one of them, and programs to talk to."""

import contextlib
import os
import subprocess
import sys
import textwrap
import time

import pytest

from onecopy.shared_memory import SharedMemory


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


@pytest.fixture
def to_the_end(program):
    """Runs a program, given as text, until all have ended that it started and that may say
    something: trackers and keepers say it last."""

    def run(text, *words):
        return subprocess.run(
            [sys.executable, program(text), *words], capture_output=True, check=False, text=True
        )

    return run


@pytest.fixture
def soon_removed():
    """Tells whether a name is gone from /dev/shm, or will be soon."""

    def wait(name):
        deadline = time.monotonic() + 30
        while os.path.exists(f"/dev/shm/{name}"):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    return wait
