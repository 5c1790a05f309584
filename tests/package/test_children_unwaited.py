"""Children that cannot be waited for.

Where SIGCHLD is ignored the kernel forgets how a child ended, and a pool never heard that a worker
was dead: its task was waited for without end. The same where a program calls os.wait itself.
"""

import sys

import pytest

from .conftest import METHODS, run

IGNORING = """
import os, signal, sys
import onecopy as mp

def leave():
    sys.exit(3)

def die(_):
    os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    mp.set_start_method(sys.argv[1])
    process = mp.Process(target=leave)
    process.start()
    process.join()
    print(process.exitcode, process.is_alive())
    with mp.Pool(1) as pool:
        try:
            pool.apply(die, (0,))
        except mp.WorkerDied as died:
            print("died", died.exitcode)
        print(pool.apply(abs, (-1,)))
"""

WAITING = """
import os
import onecopy as mp

if __name__ == "__main__":
    process = mp.Process(target=print, args=("child",))
    process.start()
    os.waitpid(process.pid, 0)
    process.join()
    print(process.exitcode, process.is_alive())
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_pool_where_sigchld_is_ignored(program, method):
    outcome = run([sys.executable, program(IGNORING), method])
    # The template is another process, which waits for its children itself.
    expected = ["3 False", "died -9"] if method == "forkserver" else ["255 False", "died 255"]
    assert outcome.stdout.splitlines() == [*expected, "1"]
    assert outcome.code == 0


def test_a_child_that_the_program_has_waited_for(program):
    outcome = run([sys.executable, program(WAITING)])
    assert outcome.stdout.splitlines() == ["child", "255 False"]
    assert outcome.code == 0


THREADS = """
import sys, threading
import onecopy as mp

def leave():
    pass

def start_and_join(codes):
    for _ in range(15):
        process = mp.Process(target=leave)
        process.start()
        process.join()
        codes.append(process.exitcode)

if __name__ == "__main__":
    mp.set_start_method(sys.argv[1])
    mp.set_forkserver_preload([])
    codes = []
    threads = [threading.Thread(target=start_and_join, args=(codes,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(len(codes), set(codes))
"""


@pytest.mark.parametrize("method", METHODS)
def test_threads_that_wait_for_the_children_of_each_other(program, method):
    """Each start looks after all children. One thread had a child's end, and had not said so yet,
    when another found no such child, or nothing to read any more: that one's was None, or 255."""
    outcome = run([sys.executable, "-W", "ignore", program(THREADS), method])
    assert outcome.stdout == "60 {0}\n", outcome
