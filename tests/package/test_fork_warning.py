"""A fork beside other threads warns, with Python 3.12's words and their names, on every version."""

import re

import pytest

PROGRAM = """
    import onecopy as mp
    import os, subprocess, sys, threading

    def fork():
        mp.Lock()
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)

    def start():
        child = mp.get_context("fork").Process(target=len, args=((),))
        child.start()
        child.join()
        assert child.exitcode == 0

    def run_between():
        subprocess.run(["true"], preexec_fn=os.getpid)

    if __name__ == "__main__":
        stop = threading.Event()
        threading.Thread(target=stop.wait, name="pump").start()
        for what in sys.argv[1:]:
            globals()[what]()
        stop.set()
"""

SAID = (
    "This process (pid=N) is multi-threaded, use of fork() may lead to deadlocks in the child."
    " Other threads: pump."
)


def warnings_in(text):
    """Where each was given, and what was said."""
    lines = re.findall(r"^\S*?([\w.]+):\d+: DeprecationWarning: (.*)$", text, re.MULTILINE)
    return [(place, said) for place, said in lines if "multi-threaded" in said]


@pytest.mark.parametrize(
    ("act", "place"), [("start", "popen_fork.py"), ("fork", "program.py")], ids=["start", "fork"]
)
def test_names_the_threads_once_where_python_says_it(python, act, place):
    outcome = python(PROGRAM, act, act, PYTHONWARNINGS="default")

    assert outcome.code == 0
    assert warnings_in(outcome.stderr) == [(place, SAID)]


def test_is_given_again_where_all_are_to_be_seen(python):
    outcome = python(PROGRAM, "start", "start", PYTHONWARNINGS="always")

    assert warnings_in(outcome.stderr) == [("popen_fork.py", SAID)] * 2


@pytest.mark.parametrize(
    ("filters", "places"),
    [
        ("", ["program.py"]),  # what a program does itself is shown unless told otherwise
        ("ignore::DeprecationWarning", []),
        ("default::DeprecationWarning:multiprocessing.popen_fork", ["popen_fork.py", "program.py"]),
        ("error", []),  # it comes too late to be one
    ],
)
def test_is_shown_where_the_filters_say_so(python, filters, places):
    outcome = python(PROGRAM, "start", "fork", PYTHONWARNINGS=filters)

    assert outcome.code == 0
    assert warnings_in(outcome.stderr) == [(place, SAID) for place in places]


def test_a_program_of_one_thread_is_not_warned(python):
    """The package has no thread of its own, whatever of it is in use."""
    outcome = python(
        """
        import onecopy as mp
        import os

        def start(*things):
            child = mp.get_context("fork").Process(target=len, args=((),))
            child.start()
            child.join()

        if __name__ == "__main__":
            queue, ends, lock = mp.Queue(), mp.Pipe(), mp.Lock()
            queue.put(bytes(1_000_000))
            ends[0].send(1)
            with lock, mp.Condition(), mp.Semaphore():
                mp.Event().set()
            mp.Barrier(1).wait()
            values = mp.Array("d", 10), mp.Value("i")
            segment = mp.shared_memory.SharedMemory(create=True, size=100)
            segment.close()
            segment.unlink()
            start(queue, ends, lock, values)
            print(len(os.listdir("/proc/self/task")))
        """,
        PYTHONWARNINGS="always",
    )

    assert (outcome.stdout, warnings_in(outcome.stderr)) == ("1\n", [])


def test_who_hands_out_a_published_pipe_is_no_thread_to_warn_of(python):
    outcome = python(
        """
        import onecopy, os
        here, there = onecopy.Pipe()
        onecopy.publish("line", there)
        if os.fork() == 0:
            os._exit(0)
        print(os.wait()[1], len(os.listdir("/proc/self/task")))
        """,
        PYTHONWARNINGS="always",
    )

    assert (outcome.stdout, warnings_in(outcome.stderr)) == ("0 2\n", [])


def test_a_preexec_fn_is_no_fork_to_warn_of(python):
    outcome = python(PROGRAM, "run_between", PYTHONWARNINGS="always")

    assert (outcome.code, warnings_in(outcome.stderr)) == (0, [])


def test_leaves_no_filter_behind(python):
    outcome = python(
        """
        import onecopy, os, threading, warnings
        onecopy.Lock()
        before = list(warnings.filters)
        stop = threading.Event()
        thread = threading.Thread(target=stop.wait)
        thread.start()
        child = os.fork()
        same = warnings.filters == before
        if child == 0:
            os._exit(not same)
        stop.set()
        thread.join()
        print(same, os.waitpid(child, 0)[1])
        """
    )

    assert outcome.stdout == "True 0\n"
