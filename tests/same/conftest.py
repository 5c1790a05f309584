"""Runs the files of programs (programs/) under stock and under Onecopy, each file as one process
for each start method, and cuts what it says into what each program showed."""

from __future__ import annotations

import ast
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

import onecopy

METHODS = ("fork", "spawn", "forkserver")
FOLDER = Path(__file__).parent / "programs"
BEGIN, END = "=== ", "--- ended"

# Seconds after which a file counts as hanging; its programs end themselves long before.
PATIENCE = 100


@dataclass(frozen=True)
class Program:
    """A function in a file of programs, and what it shows under Onecopy where that differs."""

    path: Path
    name: str
    difference: str | None = None  # its title in docs/differences.md
    shown: str | None = None

    def __str__(self):
        return f"{self.path.stem}:{self.name}"


def programs():
    for path in sorted(FOLDER.glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Name) and decorator.id == "program":
                    yield Program(path, node.name)
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "differs":
                    title, shown = (ast.literal_eval(argument) for argument in decorator.args)
                    yield Program(path, node.name, title, shown)


@pytest.fixture(params=list(programs()), ids=str)
def program(request):
    return request.param


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


def ways_of(method):
    """The ways onto Onecopy that are tried: the same programs with `import onecopy as mp` in place
    of `import multiprocessing as mp` with one start method, or, in the long run, with each."""
    yield "run"
    drawn = random.Random(os.environ.get("ONECOPY_TEST_SEED", "0")).choice(METHODS)
    if method == drawn or "ONECOPY_TEST_LONG" in os.environ:
        yield "import"


class Sections(dict):
    """What each program of a file showed, by its name; what else there is to say if one did not."""

    def __init__(self, stdout, stderr):
        for section in stdout.split(BEGIN)[1:]:
            name, _, text = section.partition("\n")
            if END in text:
                self[name] = without_the_accidental(text.partition(END)[0])
        self.stdout, self.stderr = stdout, stderr

    def __missing__(self, name):
        pytest.fail(f"{name} did not end\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}")


def without_the_accidental(text):
    """But for what cannot agree: process ids, addresses, the package that a class is in, names of
    shared memory, the folder of the program, and what stock of 3.12.1 says of itself at times."""
    text = re.sub(r"(stderr: )?\S+: UserWarning: ResourceTracker called reentrantly.*\n", "", text)
    text = re.sub(r"/\S*/(\w+\.py:\d+: )", r"\1", text)
    text = re.sub(r"\b(pid|parent)=\d+", r"\1=N", text)
    text = re.sub(r"\bonecopy\.", "multiprocessing.", text)
    return re.sub(r"\b(0x|psm_|same-)[0-9a-f]+|\b(pymp-)\w+", r"\1\2", text)


class Running:
    """A file of programs that runs."""

    def __init__(self, words):
        self._stdout = tempfile.TemporaryFile()  # noqa: SIM115 (closed in sections())
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=self._stdout,
            stderr=self._stderr,
            env={**os.environ, "PYTHONPATH": package_path(), "PYTHONHASHSEED": "0"},
            start_new_session=True,
        )

    def sections(self):
        """What came of it, at its end; one that hangs is ended, with all that it started."""
        try:
            failed = self._process.wait(PATIENCE) != 0
        except subprocess.TimeoutExpired:
            failed = True
        if failed:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        with self._stdout, self._stderr:
            return Sections(text_of(self._stdout), text_of(self._stderr))


def text_of(file):
    file.seek(0)
    return file.read().decode()


def package_path():
    """Where programs find the package that these tests have found."""
    found = str(Path(onecopy.__file__).parent.parent)
    return os.pathsep.join(filter(None, [found, os.environ.get("PYTHONPATH")]))


@pytest.fixture(scope="session")
def importing(tmp_path_factory):
    """The folder of the programs, with Onecopy imported in the place of multiprocessing."""
    folder = tmp_path_factory.mktemp("importing")
    for path in FOLDER.glob("*.py"):
        text = re.sub(
            r"^(\s*(?:from|import)) multiprocessing\b", r"\1 onecopy", path.read_text(), flags=re.M
        )
        (folder / path.name).write_text(text)
    return folder


@pytest.fixture(scope="session")
def shown(importing):
    """What the programs of a file show with a start method: under stock, and in each way of running
    on Onecopy. All of them run at the same time, and once."""
    done = {}

    def find(path, method):
        if (path, method) not in done:
            commands = {
                "stock": [path],
                "run": ["-m", "onecopy.command", "run", path],
                "import": [importing / path.name],
            }
            running = {
                way: Running([sys.executable, *commands[way], method])
                for way in ("stock", *ways_of(method))
            }
            done[path, method] = {way: one.sections() for way, one in running.items()}
        return done[path, method]

    return find
