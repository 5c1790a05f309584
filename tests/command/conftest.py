"""What the tests of the command share: programs, and what comes of running them."""

import os
import signal
import subprocess
import sys
import sysconfig
import textwrap
from pathlib import Path

import pytest


class Outcome:
    def __init__(self, code, stdout, stderr):
        self.code = code
        self.stdout = stdout
        self.stderr = stderr

    def __eq__(self, other):
        return vars(self) == vars(other)

    __hash__ = None

    def __repr__(self):
        return f"exit code {self.code}\n--- stdout\n{self.stdout}--- stderr\n{self.stderr}"


def run(words, stdin="", **environment):
    """What came of it; with all that it started, it is ended after a minute."""
    process = subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    try:
        stdout, stderr = process.communicate(stdin, timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        stdout, stderr = process.communicate()
        pytest.fail(f"{words} hung\n{stdout}{stderr}")
    return Outcome(process.returncode, stdout, stderr)


@pytest.fixture(scope="session")
def command():
    """Where the command is."""
    return str(Path(sysconfig.get_path("scripts")) / "onecopy")


@pytest.fixture
def onecopy(command):
    """Runs the command with these words."""
    return lambda *words, **how: run([command, *words], **how)


@pytest.fixture
def python(command):
    """Runs the plain interpreter with these words, by the name that the command has for it."""
    named = Path(command).read_text().splitlines()[0].removeprefix("#!")
    interpreter = named if Path(named).is_file() else sys.executable
    return lambda *words, **how: run([interpreter, *words], **how)


@pytest.fixture
def program(tmp_path):
    """Writes a program, and gives its path."""

    def write(text, name="program.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return str(path)

    return write
