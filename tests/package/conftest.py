"""What the tests of the package share: programs run under stock and under Onecopy, and compared."""

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import textwrap
import time
from pathlib import Path

import pytest

import onecopy

METHODS = ("fork", "spawn", "forkserver")

# Seconds after which a program counts as hanging.
PATIENCE = 60

IMPORT = "import multiprocessing as mp\n"


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


def run(words, **environment):
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
            process.wait(PATIENCE)
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
    """Runs a program, given as text, with these words behind it."""

    def start(text, *words, **environment):
        return run([sys.executable, program(text), *words], **environment)

    return start


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


def ways():
    """How a program written for multiprocessing may come to run on Onecopy."""
    yield "import"
    yield "install" if find_command() is None else "run"


def find_command():
    beside = Path(sysconfig.get_path("scripts")) / "onecopy"
    return str(beside) if beside.exists() else shutil.which("onecopy")


@pytest.fixture(params=list(ways()))
def way(request):
    return request.param


@pytest.fixture
def agree(program, method, way):
    """Runs a program under stock and under Onecopy, and holds what they show against each other.

    The program has a line that imports multiprocessing as mp, and finds the start method in
    sys.argv[1]. Gives what it printed.
    """

    def compare(text):
        assert IMPORT in text
        stock = run([sys.executable, program(text), method])
        ours = run(on_onecopy(program, way, text, method))
        assert ours.stdout == stock.stdout, f"stock: {stock}\nonecopy: {ours}"
        assert ours.code == stock.code, f"stock: {stock}\nonecopy: {ours}"
        assert last_line(ours.stderr) == last_line(stock.stderr), f"stock: {stock}\nonecopy: {ours}"
        return ours.stdout

    return compare


def on_onecopy(program, way, text, method):
    if way == "import":
        return [sys.executable, program(text.replace(IMPORT, "import onecopy as mp\n")), method]
    if way == "install":
        first = "from onecopy.install import install\n\ninstall()\n"
        return [sys.executable, program(first + text), method]
    return [find_command(), "run", program(text), method]


def last_line(text):
    """Of the errors a program shows: the line that names the exception."""
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


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
