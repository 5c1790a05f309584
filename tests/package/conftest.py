"""What the tests of the package share: programs, and what comes of running them."""

import gc
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import pytest

import onecopy

METHODS = ("fork", "spawn", "forkserver")

# Seconds after which a program counts as hanging.
PATIENCE = 60


class Outcome:
    """What a program shows: its exit code, and its output but for what cannot agree: process ids,
    addresses, the package that an object's class is in."""

    def __init__(self, code, stdout, stderr):
        self.code = code
        self.stdout = without_the_accidental(stdout)
        self.stderr = without_the_accidental(stderr)

    def __repr__(self):
        return f"exit code {self.code}\n--- stdout\n{self.stdout}--- stderr\n{self.stderr}"


def without_the_accidental(text):
    text = re.sub(r"\b(pid|parent)=\d+", r"\1=N", text)
    text = re.sub(r"<(multiprocessing|onecopy)\.", "<", text)
    return re.sub(r"0x[0-9a-f]+", "0x", text)


def run(words, patience=PATIENCE, **environment):
    """Runs a command to its end, though not to that of its children; a hanging one is ended, with
    everything it started."""
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env={**os.environ, "PYTHONPATH": package_path(), **environment},
            start_new_session=True,
        )
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            stderr.write(b"\nended, for it was hanging")
        return Outcome(process.returncode, text_of(stdout), text_of(stderr))


def text_of(file):
    file.seek(0)
    return file.read().decode()


def package_path():
    """Where programs find the package that these tests have found."""
    found = str(Path(onecopy.__file__).parent.parent)
    return os.pathsep.join(filter(None, [found, os.environ.get("PYTHONPATH")]))


@pytest.fixture
def program(tmp_path):
    """Writes a program, and gives its path."""

    def write(text, name="program.py"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text).lstrip())
        return str(path)

    return write


@pytest.fixture
def python(program):
    """Runs a program, given as text, with these words behind it and these options before."""

    def start(text, *words, options=(), interpreter=sys.executable, **environment):
        return run([interpreter, *options, program(text), *words], **environment)

    return start


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


@pytest.fixture
def nothing_leaks():
    """Whatever the test did, the arena holds afterwards what it held before. What earlier tests
    left in cycles is collected first: freed in between, it would hide what this one leaks. The
    thread that hands descriptors over closes its own a little after they have arrived."""
    gc.collect()
    before = onecopy.memory()["blocks_in_use"]
    yield
    gc.collect()
    patience = time.monotonic() + 20
    while onecopy.memory()["blocks_in_use"] > before and time.monotonic() < patience:
        time.sleep(0.001)
    assert onecopy.memory()["blocks_in_use"] <= before, "blocks are leaked"


@pytest.fixture
def soon_gone():
    """Tells whether these processes are all gone, or will be within some seconds. One second is
    promised; a busy machine needs more to show it."""

    def wait(pids, seconds=10):
        deadline = time.monotonic() + seconds
        while not all(is_gone(pid) for pid in pids):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    return wait


def is_gone(pid):
    """Whether no process of this id runs; a zombie, which nobody waits for, runs no more."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True
