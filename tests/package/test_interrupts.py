"""Ctrl-C, which goes to all processes of a program at once, ends it at any moment: no process
stays, and none says more than one traceback."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import weakref

import pytest

import onecopy as mp

from .conftest import PATIENCE, package_path, text_of

# Each activity goes on for ever, and says when it has begun.
ACTIVITIES = """
    import onecopy as mp
    import sys, time

    def answer(inbox, outbox):
        while True:
            outbox.put(inbox.get())

    def queue():
        inbox, outbox = mp.Queue(), mp.Queue()
        mp.Process(target=answer, args=(inbox, outbox)).start()
        while True:
            inbox.put(bytes(100_000))
            outbox.get()

    def receive(end):
        while True:
            end.recv()

    def pipe():
        ours, theirs = mp.Pipe()
        mp.Process(target=receive, args=(theirs,)).start()
        while True:
            ours.send(list(range(100)))

    def pool():
        with mp.Pool(2) as workers:
            while True:
                workers.map(abs, range(100))

    def join():
        for child in [mp.Process(target=time.sleep, args=(1000,)) for _ in range(2)]:
            child.start()
        child.join()

    def start():
        while True:
            child = mp.Process(target=abs, args=(1,))
            child.start()
            child.join()

    def take(lock):
        while True:
            with lock:
                pass

    def lock():
        lock = mp.Lock()
        mp.Process(target=take, args=(lock,)).start()
        take(lock)

    if __name__ == "__main__":
        mp.set_start_method(sys.argv[1])
        print("begins", flush=True)
        globals()[sys.argv[2]]()
"""


LOST_BY_IMPORTING = b"Exception ignored in: <function _get_module_lock"


def drawn_moments():
    """Seconds after the beginning."""
    draw = random.Random(os.environ.get("ONECOPY_TEST_SEED", "0"))
    return [draw.uniform(0, 0.4) for _ in range(12 if "ONECOPY_TEST_LONG" in os.environ else 1)]


def members_of(group):
    """The living processes of a group."""
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                state, _, of, *_ = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(of) == group and state not in "ZX":
            found.append(int(pid))
    return found


def ended(process, stderr):
    """The exit code. A Ctrl-C may come in a callback of Python's own importing, in any process,
    which prints and loses it: then somebody presses once more."""
    deadline = time.monotonic() + PATIENCE
    pressed = 1
    while process.poll() is None and time.monotonic() < deadline:
        lost = os.pread(stderr.fileno(), 1 << 20, 0).count(LOST_BY_IMPORTING)
        if lost >= pressed:
            pressed = lost + 1
            os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.01)
    assert process.poll() is not None, text_of(stderr)
    return process.returncode


@pytest.mark.parametrize("activity", ["queue", "pipe", "pool", "join", "start", "lock"])
def test_ends_all_at_any_moment(program, method, activity, soon_gone):
    path = program(ACTIVITIES)
    for moment in drawn_moments():
        with tempfile.TemporaryFile() as stderr:
            process = subprocess.Popen(
                [sys.executable, path, method, activity],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**os.environ, "PYTHONPATH": package_path()},
                start_new_session=True,
            )
            with process.stdout as stdout:
                stdout.readline()
            time.sleep(moment)
            there = members_of(process.pid)
            os.killpg(process.pid, signal.SIGINT)
            try:
                code = ended(process, stderr)
                left = [pid for pid in members_of(process.pid) if not soon_gone([pid])]
            finally:
                if members_of(process.pid):
                    os.killpg(process.pid, signal.SIGKILL)
            said = text_of(stderr)

        assert code == -signal.SIGINT, (moment, said)
        assert left == [], (moment, said)
        # One more may have been about to be there.
        tracebacks = said.count("Traceback (most recent call last)")
        pressed = 1 + said.count(LOST_BY_IMPORTING.decode())
        assert 1 <= tracebacks <= (len(there) + 1) * pressed, said
        assert "Segmentation fault" not in said


def test_is_raised_after_a_fork_that_it_came_in(python):
    """A Ctrl-C in the middle of a fork was printed as an ignored exception of a function of ours
    that is called there, and the program went on. Later it was raised, but the child, which had not
    been there yet, got nothing of it and lived on, known to nobody."""
    outcome = python(
        """
        import onecopy as mp
        import ctypes, functools, os, signal, time

        if __name__ == "__main__":
            this = os.getpid()
            sleeper = mp.get_context("fork").Process(target=time.sleep, args=(1000,))
            # In C, which does not look at signals: what comes next has to bear it.
            interrupt = functools.partial(getattr(ctypes.CDLL(None), "raise"), signal.SIGINT)
            os.register_at_fork(before=interrupt)
            for fork in (sleeper.start, os.fork):
                try:
                    if fork() == 0:
                        os._exit(0)
                except KeyboardInterrupt:
                    if os.getpid() == this:
                        print("interrupted", flush=True)
                    else:
                        os._exit(0)
            sleeper.join()
            print(sleeper.exitcode)
        """
    )

    assert outcome.stdout == "interrupted\n" * 2 + "1\n"
    # The sleeper's, if it came to sleep first.
    assert outcome.stderr.count("Traceback") <= 1


def test_ends_a_child_that_is_being_forked(python):
    outcome = python(
        """
        import onecopy as mp
        import ctypes, functools, os, signal

        def live():
            print("lives on")

        if __name__ == "__main__":
            interrupt = functools.partial(getattr(ctypes.CDLL(None), "raise"), signal.SIGINT)
            os.register_at_fork(after_in_child=interrupt)
            child = mp.get_context("fork").Process(target=live)
            child.start()
            child.join()
            print(child.exitcode)
        """
    )

    assert (outcome.stdout, outcome.stderr) == ("1\n", "")


def test_may_come_while_the_engine_is_loaded(python):
    """Between the making of the engine's module and its filling it ended in SIGSEGV."""
    outcome = python(
        """
        import signal, sys

        def interrupt(frame, event, function):
            if event == "c_return" and function.__name__ == "create_dynamic":
                if "onecopy" in str(frame.f_locals.get("args")):
                    signal.raise_signal(signal.SIGINT)

        import onecopy
        sys.setprofile(interrupt)
        try:
            onecopy.Lock()
        except KeyboardInterrupt:
            sys.setprofile(None)
            print("interrupted")
        """
    )

    assert (outcome.code, outcome.stdout) == (0, "interrupted\n")


def test_no_python_runs_as_a_process_is_let_go(method):
    """Stock closed a child's descriptors in a callback of a weak reference: a Ctrl-C that came
    there was printed as an ignored exception, and the program went on."""
    child = mp.get_context(method).Process(target=abs, args=(1,), daemon=True)
    child.start()
    child.join()
    ends = weakref.ref(child._popen), child.sentinel
    ran = []

    sys.setprofile(lambda frame, event, argument: ran.append((event, frame.f_code.co_name)))
    try:
        del child
    finally:
        sys.setprofile(None)

    assert [(event, name) for event, name in ran if event == "call"] == []
    assert ends[0]() is None
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(ends[1])
