"""A session at the prompt: what is defined there is there for the children that are forked."""

import os
import pty
import subprocess

import pytest

from onecopy import command

LINES = """\
import {package} as mp
def double(number, queue=None):
    return number * 2 if queue is None else queue.put(number * 2)

context = mp.get_context("fork")
queue = context.Queue()
process = context.Process(target=double, args=(21, queue))
process.start()
print("child", queue.get(), "queue of", type(queue).__module__)
process.join()
with context.Pool(2) as pool: print("pool", pool.map(double, [1, 2]))

"""

SHOWN = ["child 42 queue of onecopy.queues", "pool [2, 4]"]


def test_a_session_that_imports_onecopy(python):
    outcome = python("-i", stdin=LINES.format(package="onecopy"))

    assert outcome.stdout.splitlines() == SHOWN, outcome
    assert outcome.code == 0


def test_a_session_under_onecopy_run(python):
    outcome = python("-i", stdin=LINES.format(package="multiprocessing"), **command.environment({}))

    assert outcome.stdout.splitlines() == SHOWN, outcome
    assert outcome.code == 0


def test_onecopy_run_on_a_terminal_is_a_session(command):
    """Nobody feeds it, so that each line is read at a prompt."""
    ours, terminal = pty.openpty()
    session = subprocess.Popen(
        [command, "run", "-"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        env={**os.environ, "TERM": "dumb", "PYTHON_BASIC_REPL": "1"},
    )
    os.close(terminal)
    os.write(ours, (LINES.format(package="multiprocessing") + "raise SystemExit(3)\n").encode())

    shown = read_to_the_end(ours)

    assert session.wait() == 3, shown
    lines = [line.removeprefix(">>> ") for line in shown.splitlines()]
    assert [line for line in SHOWN if line in lines] == SHOWN, shown


def read_to_the_end(terminal):
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # as a terminal tells that its last user is gone
            os.close(terminal)
            return shown.decode()


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_children_that_start_afresh_have_what_is_in_modules(python, method):
    lines = f"""
import multiprocessing
context = multiprocessing.get_context("{method}")
with context.Pool(1) as pool: print(pool.map(abs, [-1, -2]))

"""
    outcome = python("-i", stdin=lines, **command.environment({}))

    assert outcome.stdout == "[1, 2]\n", outcome
