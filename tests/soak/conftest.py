"""What the soaks share: programs of tests/soak/programs, run for a time, from a seed."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import onecopy

PROGRAMS = Path(__file__).parent / "programs"


def pytest_configure(config):
    config.soak_seed = int(os.environ.get("ONECOPY_TEST_SEED") or random.randrange(2**31))


def pytest_report_header(config):
    return f"soaks: ONECOPY_TEST_SEED={config.soak_seed}"


@pytest.fixture
def start():
    """Starts a program in a session of its own; what is left of that is ended after the test."""
    started = []

    def start_program(name, *words, **environment):
        found = str(Path(onecopy.__file__).parent.parent)
        path = os.pathsep.join(filter(None, [found, os.environ.get("PYTHONPATH")]))
        process = subprocess.Popen(
            [sys.executable, str(PROGRAMS / name), *map(str, words)],
            env={**os.environ, "PYTHONPATH": path, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start_program
    for process in started:
        for pid in members_of_session(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def soak(start, request):
    """Runs a program for ONECOPY_SOAK_SECONDS; it must end well. Shows what it printed."""

    def run(name, *words, **environment):
        seconds = os.environ.get("ONECOPY_SOAK_SECONDS", "60")
        process = start(name, seconds, request.config.soak_seed, *words, **environment)
        output, _ = process.communicate()
        print(f"{name}, seed {request.config.soak_seed}: {output}")
        assert process.returncode == 0

    return run


def members_of_session(session):
    """The processes of a session that still run."""
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if runs(pid, session)]


def runs(pid, session):
    try:
        with open(f"/proc/{pid}/stat") as file:
            state, _, _, its_session = file.read().rpartition(")")[2].split()[:4]
    except OSError:
        return False
    return int(its_session) == session and state not in "ZX"
