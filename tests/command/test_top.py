"""`onecopy top`: what it shows of programs that run, and what it says where there is none."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
from contextlib import contextmanager

import pytest

from onecopy import _families, _top
from onecopy import command as command_module

LAYOUT_OF_TOMORROW = 99


@contextmanager
def running(interpreter, path):
    """A program that has said "ready", and goes on until its input ends."""
    program = subprocess.Popen(
        [interpreter, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert program.stdout.readline() == "ready\n"
        yield program
    finally:
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)
        program.communicate()


@pytest.fixture
def started(python, program):
    """Starts a program of this text beside the test."""
    return lambda text: running(
        python("-c", "import sys; print(sys.executable)").stdout.strip(), program(text)
    )


def table(picture, heading):
    """The lines below a heading, up to the empty one."""
    lines = picture.splitlines()
    first = next(n for n, line in enumerate(lines) if line.lstrip().startswith(heading)) + 1
    rows = []
    for line in lines[first:]:
        if not line:
            break
        rows.append(line.split())
    return rows


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split()]


POOL = """
    import sys
    import onecopy as mp

    def work(barrier):
        barrier.wait()
        barrier.wait()

    if __name__ == "__main__":
        barrier = mp.Barrier(3)
        with mp.Pool(2) as pool:
            result = pool.map_async(work, [barrier] * 4, chunksize=1)
            barrier.wait()
            print("ready", flush=True)
            sys.stdin.read()
"""

QUEUE = """
    import sys
    import onecopy as mp

    queue = mp.Queue()
    bounded = mp.Queue(7)
    for number in range(4):
        queue.put(number)
    queue.get()
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_shows_a_pool_in_the_middle_of_a_map(onecopy, started):
    with started(POOL) as program:
        outcome = onecopy("top", "--once", str(program.pid))
        workers = children_of(program.pid)

    assert outcome.code == 0
    assert outcome.stderr == ""
    assert "2 seats, 2 with a task; 2 tasks and 0 answers waiting" in outcome.stdout
    seats = table(outcome.stdout, "SEAT")
    assert [seat[0] for seat in seats] == ["0", "1"]
    assert {int(seat[1]) for seat in seats} == set(workers)
    assert {seat[2] for seat in seats} == {"0", "1"}, "the numbers of their tasks"
    assert [seat[3] for seat in seats] == ["1", "1"], "tasks taken"
    assert {int(row[0]) for row in table(outcome.stdout, "PROCESS")} == {program.pid, *workers}


def test_shows_a_queue_with_three_messages(onecopy, started):
    with started(QUEUE) as program:
        outcome = onecopy("top", "--once", str(program.pid))

    queue, bounded = table(outcome.stdout, "QUEUE")
    assert queue[:4] == ["queue", "0", "3", "none"]
    assert queue[6:8] == ["4", "1"], "put and got"
    assert queue[-1] == str(program.pid), "held by"
    assert bounded[:4] == ["queue", "1", "0", "7"]


def test_shows_a_shared_array_and_who_has_it(onecopy, started):
    with started("""
        import sys
        import onecopy as mp

        array = mp.zeros(1_000_000)
        print("ready", flush=True)
        sys.stdin.read()
    """) as program:
        outcome = onecopy("top", "--once", str(program.pid))

    (block,) = table(outcome.stdout, "BLOCK")
    assert block[1:] == ["7.6", "MiB", "array", "shared", "by", str(program.pid)]


def test_shows_who_holds_a_lock_that_others_wait_for(onecopy, started):
    with started("""
        import sys
        import onecopy as mp

        def wait(lock):
            lock.acquire()

        if __name__ == "__main__":
            free, held = mp.Lock(), mp.Lock()
            held.acquire()
            mp.Process(target=wait, args=(held,), daemon=True).start()
            print("ready", flush=True)
            sys.stdin.read()
    """) as program:
        held = []
        while not held or held[0][-2:] != ["waited", "for"]:  # the child is on its way
            held = table(onecopy("top", "--once", str(program.pid)).stdout, "LOCK")

    assert len(held) == 1
    assert held[0][1] == f"{program.pid},"


def test_any_process_of_a_program_stands_for_it(onecopy, started):
    with started(POOL) as program:
        by_worker = onecopy("top", "--once", str(children_of(program.pid)[0]))

    assert str(program.pid) in [row[0] for row in table(by_worker.stdout, "PROCESS")]


def test_shows_a_program_that_is_stopped(onecopy, started):
    with started(QUEUE) as program:
        program.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, program.pid, os.WSTOPPED)
        outcome = onecopy("top", "--once", str(program.pid))

    assert table(outcome.stdout, "PROCESS")[0][:2] == [str(program.pid), "stopped"]
    assert table(outcome.stdout, "QUEUE")[0][2] == "3"


def test_leaves_the_program_as_it_is(onecopy, started):
    with started("""
        import sys
        import onecopy as mp

        queue = mp.Queue()
        queue.put(bytes(100_000))
        before = mp.memory()
        print("ready", flush=True)
        sys.stdin.read()
        print("the same" if {**mp.memory(), "limit": 0} == {**before, "limit": 0} else "another")
        print(len(queue.get()))
    """) as program:
        for _ in range(3):
            assert onecopy("top", "--once", str(program.pid)).code == 0
        stdout, _ = program.communicate("")

    assert stdout == "the same\n100000\n"
    assert program.returncode == 0


def test_finds_the_only_program_by_itself(started, capsys, monkeypatch):
    with started(QUEUE) as program:
        monkeypatch.setattr(_families, "_processes_of_this_user", lambda: [program.pid])
        assert _top.top(None, once=True, interval=1) == 0

    assert f" {program.pid} " in capsys.readouterr().out


def test_lists_the_programs_where_there_are_several(started, monkeypatch):
    with started(QUEUE) as one, started(POOL) as other:
        pids = [one.pid, other.pid, *children_of(other.pid)]
        monkeypatch.setattr(_families, "_processes_of_this_user", lambda: pids)
        with pytest.raises(_families.NotFoundError) as told:
            _top.top(None, once=True, interval=1)

    lines = str(told.value).splitlines()
    assert "onecopy top PID" in lines[0]
    assert [int(line.split()[0]) for line in lines[1:]] == [one.pid, other.pid]
    assert lines[1].endswith("program.py")


def test_says_that_no_program_runs(monkeypatch):
    monkeypatch.setattr(_families, "_processes_of_this_user", list)
    with pytest.raises(_families.NotFoundError, match="no program of yours"):
        _top.top(None, once=True, interval=1)


def test_says_that_there_is_no_such_process(onecopy):
    outcome = onecopy("top", "4194305")  # more than there can be
    assert (outcome.code, outcome.stdout) == (1, "")
    assert outcome.stderr == "onecopy: there is no process 4194305\n"


def test_says_that_a_process_is_of_no_family(onecopy):
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as stranger:
        outcome = onecopy("top", str(stranger.pid))
    assert (outcome.code, outcome.stdout) == (1, "")
    assert f"process {stranger.pid} has no memory of Onecopy" in outcome.stderr


def test_refuses_a_program_of_another_version_and_names_both(onecopy, started):
    version = 4 << 20 | 5 << 10 | 6
    with started(f"""
        import os, struct, sys

        arena = os.memfd_create("onecopy")
        os.truncate(arena, 1 << 30)
        os.pwrite(arena, b"\\x01onecopy" + struct.pack("II", {LAYOUT_OF_TOMORROW}, {version}), 0)
        print("ready", flush=True)
        sys.stdin.read()
    """) as program:
        outcome = onecopy("top", str(program.pid))

    assert (outcome.code, outcome.stdout) == (1, "")
    assert re.search(rf"4\.5\.6 \(layout {LAYOUT_OF_TOMORROW}\).*layout \d", outcome.stderr)


def test_says_what_to_do_where_a_process_may_not_be_looked_into(monkeypatch):
    def refuse(_path):
        raise PermissionError

    monkeypatch.setattr(_families.os, "listdir", refuse)
    with pytest.raises(_families.NotFoundError, match="be the user that it runs as, or root"):
        _families.family_of(os.getpid())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--every"], "there is no option --every"),
        (["--interval"], "--interval needs a value"),
        (["--interval", "often"], "--interval is 'often'; it must be seconds"),
        (["--interval=0"], "--interval is '0'"),
        (["program.py"], "top takes the number of one process, not program.py"),
        (["1", "2"], "top takes the number of one process, not 2"),
    ],
)
def test_refuses_words_that_mean_nothing(onecopy, words, told):
    outcome = onecopy("top", *words)
    assert outcome.code == 2
    assert told in outcome.stderr


def test_there_is_nothing_to_look_at_on_other_systems(monkeypatch):
    monkeypatch.setattr(command_module.sys, "platform", "darwin")
    with pytest.raises(command_module.UsageError, match="does not run on darwin"):
        command_module.perform(["top"])


# -- in a terminal ---------------------------------------------------------------------------------


class Terminal:
    """`onecopy top` of a program, on a terminal of its own."""

    def __init__(self, command, pid, lines, columns):
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))
        self.before = termios.tcgetattr(theirs)
        self.top = subprocess.Popen(
            [command, "top", "--interval", "0.1", str(pid)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        self.theirs = theirs
        self.shown = ""

    def read_until(self, text):
        while text not in self.shown:
            assert select.select([self.ours], [], [], 60)[0], self.shown
            self.shown += os.read(self.ours, 65536).decode()

    def type(self, text):
        os.write(self.ours, text.encode())

    def end(self):
        """The exit code; what was on the terminal is there again."""
        self.read_until("\x1b[?1049l")
        code = self.top.wait(60)
        assert termios.tcgetattr(self.theirs) == self.before
        assert "\x1b[?25h" in self.shown.rpartition("\x1b[H")[2], "the cursor"
        return code


@pytest.fixture
def terminal(command):
    opened = []

    def open_terminal(pid, lines=50, columns=120):
        opened.append(Terminal(command, pid, lines, columns))
        return opened[-1]

    yield open_terminal
    for each in opened:
        each.top.kill()
        each.top.wait()
        os.close(each.ours)
        os.close(each.theirs)


def test_draws_again_and_again_until_q_is_hit(terminal, started):
    with started(QUEUE) as program:
        screen = terminal(program.pid)
        screen.read_until("PUT/s")
        screen.type("q")
        assert screen.end() == 0
    assert screen.shown.startswith("\x1b[?1049h")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])
def test_gives_the_terminal_back_when_it_is_killed_softly(terminal, started, how):
    with started(QUEUE) as program:
        screen = terminal(program.pid)
        screen.read_until("PUT/s")
        screen.top.send_signal(how)
        assert screen.end() == 128 + how


def test_ends_by_an_interrupt(terminal, started):
    with started(QUEUE) as program:
        screen = terminal(program.pid)
        screen.read_until("PUT/s")
        screen.top.send_signal(signal.SIGINT)
        assert screen.end() == 0


def test_ends_with_the_program(terminal, started):
    with started(QUEUE) as program:
        screen = terminal(program.pid)
        screen.read_until("PUT/s")
    assert screen.end() == 0
    screen.read_until("the program has ended")


def test_cuts_lines_that_a_narrow_terminal_has_no_room_for(terminal, started):
    with started(QUEUE) as program:
        screen = terminal(program.pid, columns=30)
        screen.read_until("QUEUE")
        screen.type("q")
        screen.end()
    picture = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", screen.shown.split("\x1b[H")[1])
    assert max(len(line) for line in picture.split("\r\n")) == 30


def test_moves_through_what_a_low_terminal_has_no_room_for(terminal, started):
    with started(QUEUE) as program:
        screen = terminal(program.pid, lines=8)
        screen.read_until("1 to 7 of")
        screen.type("j")
        screen.read_until("2 to 8 of")
        screen.type("\x1b[B\x1b[B")
        screen.read_until("4 to 10 of")
        screen.type(" ")
        screen.read_until("10 to 16 of")
        screen.type("bbb")
        screen.shown = ""
        screen.read_until("1 to 7 of")
        screen.type("q")
        assert screen.end() == 0
