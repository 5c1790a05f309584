"""What is looked into processes with names the engine's calls, and works in every child."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import package_path

CALLS = """
    import cProfile, pstats, sys
    import onecopy as mp

    def use():
        queue, (ours, theirs), lock = mp.Queue(), mp.Pipe(), mp.Lock()
        semaphore, event, values = mp.Semaphore(), mp.Event(), mp.Array("i", 2)
        profile = cProfile.Profile()
        with profile:
            queue.put(1)
            queue.get()
            ours.send(1)
            theirs.recv()
            lock.acquire()
            lock.release()
            semaphore.acquire()
            event.set()
            event.wait()
            values.get_lock()
            mp.connection.wait([ours], 0)
            mp.memory()
        for _, _, name in sorted(pstats.Stats(profile).stats):
            print(name, flush=True)

    if __name__ == "__main__":
        mp.set_start_method(sys.argv[1])
        child = mp.Process(target=use)
        child.start()
        child.join()
"""


def test_a_profile_names_each_call_of_the_engine(python, method):
    outcome = python(CALLS, method)

    names = set(outcome.stdout.splitlines())
    assert {
        "<method 'put' of 'onecopy._engine.Queue' objects>",
        "<method 'get' of 'onecopy._engine.Queue' objects>",
        "<method 'send' of 'onecopy._engine.Connection' objects>",
        "<method 'recv' of 'onecopy._engine.Connection' objects>",
        "<method 'acquire' of 'onecopy._engine.Lock' objects>",
        "<method 'release' of 'onecopy._engine.Lock' objects>",
        "<method 'acquire' of 'onecopy._engine.Semaphore' objects>",
        "<method 'set' of 'onecopy._engine.Event' objects>",
        "<method 'wait' of 'onecopy._engine.Event' objects>",
        "<method 'get_lock' of 'onecopy._engine.Elements' objects>",
        "<built-in method onecopy._engine.wait_any>",
        "<built-in method onecopy._engine.memory>",
    } <= names


COVERED = """
    import onecopy as mp
    import sys

    def answer(queue):
        total = 0
        for number in range(10):
            total += number
        queue.put(total)

    if __name__ == "__main__":
        mp.set_start_method(sys.argv[1])
        queue = mp.Queue()
        child = mp.Process(target=answer, args=(queue,))
        child.start()
        queue.get()
        child.join()
        with mp.Pool(1) as pool:
            pool.map(abs, range(3))
"""


@pytest.fixture
def interpreter(tmp_path):
    """Runs the interpreter with these words, in the folder of the program."""

    def run(*words, **environment):
        done = subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": package_path(), **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    return run


def missed(interpreter):
    """How many statements of the program nobody saw run."""
    interpreter("-m", "coverage", "combine")
    line = interpreter("-m", "coverage", "report").splitlines()[2]
    _, _, number, _ = line.split()
    return number


def test_coverage_follows_into_children(program, interpreter, method):
    """By `concurrency = multiprocessing`."""
    path = Path(program(COVERED))
    path.with_name(".coveragerc").write_text(
        "[run]\nconcurrency = multiprocessing\nparallel = true\nsource = .\n"
    )

    interpreter("-m", "coverage", "run", path.name, method)

    assert missed(interpreter) == "0"


def test_coverage_is_started_by_each_interpreter(program, interpreter):
    """By `coverage.process_startup`, under `onecopy run` too, which has a sitecustomize."""
    path = Path(program(COVERED.replace("onecopy as mp", "multiprocessing as mp")))
    path.with_name(".coveragerc").write_text("[run]\nparallel = true\nsource = .\n")
    folder = path.parent / "site"
    folder.mkdir()
    folder.joinpath("sitecustomize.py").write_text("import coverage; coverage.process_startup()\n")

    interpreter(
        *("-m", "onecopy.command", "run", path.name, "spawn"),
        COVERAGE_PROCESS_START=str(path.with_name(".coveragerc")),
        PYTHONPATH=os.pathsep.join([str(folder), package_path()]),
    )

    assert missed(interpreter) == "0"
