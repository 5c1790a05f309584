"""The child that a template forks before anybody asks for it."""

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.version_info >= (3, 14), reason="stock's own loop serves")

# Starts two children, whereupon one more waits.
BEGIN = """
    import onecopy as mp
    import os, signal, socket, sys, time
    from multiprocessing import forkserver

    def run(target=len, args=((),)):
        process = mp.Process(target=target, args=args)
        process.start()
        process.join()
        return process

    def template():
        return forkserver._forkserver._forkserver_pid

    def children():
        with open(f"/proc/{template()}/task/{template()}/children") as file:
            return [int(pid) for pid in file.read().split()]

    def spare():
        while not children():
            time.sleep(0.001)
        (pid,) = children()
        return pid

    def begin():
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored behind a shell's "&"
        mp.set_start_method("forkserver")
        for _ in range(2):
            run()
"""


@pytest.fixture
def after_two(python):
    """Runs a program that has started two children of a template already."""

    def start(main, functions=""):
        return python(
            f"{BEGIN}\n{functions}\n    if __name__ == '__main__':\n        begin()\n{main}"
        )

    return start


def test_is_the_next_child(after_two):
    outcome = after_two(
        """
        waiting = spare()
        print(run().pid == waiting, spare() != waiting)
        """
    )
    assert (outcome.code, outcome.stdout, outcome.stderr) == (0, "True True\n", ""), outcome


def test_there_is_none_for_who_starts_one(python):
    outcome = python(
        f"""{BEGIN}
    def ask_template_and_see(pid):
        # Whoever answers this has done before what it had to do.
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(pid)
            line.shutdown(socket.SHUT_WR)
            line.recv(1)

    if __name__ == "__main__":
        mp.set_start_method("forkserver")
        run()
        ask_template_and_see(forkserver._forkserver._forkserver_address)
        print(children())
        """
    )
    assert (outcome.code, outcome.stdout) == (0, "[]\n"), outcome


def test_is_not_a_member_of_the_family(after_two):
    outcome = after_two(
        """
        waiting = spare()
        print(waiting in [member["pid"] for member in mp.memory()["members"]])
        """
    )
    assert (outcome.code, outcome.stdout) == (0, "False\n"), outcome


@pytest.mark.parametrize("sent", ["SIGKILL", "SIGTERM"])
def test_a_killed_one_is_missed_by_nobody(after_two, sent):
    outcome = after_two(
        f"""
        os.kill(spare(), signal.{sent})
        while children():
            time.sleep(0.001)
        print(*(run().exitcode for _ in range(3)))
        """
    )
    assert (outcome.code, outcome.stdout, outcome.stderr) == (0, "0 0 0\n", ""), outcome


def test_one_that_is_killed_with_its_task_is_a_killed_child(after_two):
    outcome = after_two(
        """
        os.kill(waiting := spare(), signal.SIGSTOP)
        process = mp.Process(target=len, args=((),))
        process.start()
        process.kill()
        process.join()
        print(process.pid == waiting, process.exitcode, run().exitcode)
        """
    )
    assert (outcome.code, outcome.stdout) == (0, "True -9 0\n"), outcome


def test_leaves_ctrl_c_to_those_who_work(after_two):
    outcome = after_two(
        """
        os.kill(waiting := spare(), signal.SIGINT)
        process = run(tell, ())
        print(process.pid == waiting, process.exitcode)
        """,
        """
    def tell():
        print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, flush=True)
        """,
    )
    assert (outcome.code, outcome.stdout) == (0, "True\nTrue 0\n"), outcome


@pytest.mark.parametrize("end", ["sys.exit()", "os.kill(template(), signal.SIGKILL)"])
def test_goes_with_its_template(after_two, soon_gone, end):
    outcome = after_two(
        f"""
        print(template(), spare(), flush=True)
        {end}
        """
    )
    assert soon_gone([int(pid) for pid in outcome.stdout.split()]), outcome


def test_a_template_that_is_a_member_has_none(python, program, tmp_path, monkeypatch):
    program("import onecopy\nqueue = onecopy.Queue()\n", "queuing.py")
    monkeypatch.chdir(tmp_path)
    outcome = python(
        f"""{BEGIN}
    if __name__ == "__main__":
        mp.set_forkserver_preload(["queuing"])
        begin()
        members = len(mp.memory()["members"])
        run()
        print(len(mp.memory()["members"]) - members, children())
        """
    )
    assert (outcome.code, outcome.stdout) == (0, "0 []\n"), outcome


def test_a_stray_caller_does_not_end_the_template(after_two):
    outcome = after_two(
        """
        before = template()
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(forkserver._forkserver._forkserver_address)
        print(run().exitcode, template() == before)
        """
    )
    assert (outcome.code, outcome.stdout, outcome.stderr) == (0, "0 True\n", ""), outcome


REFUSING = """
    import errno, os

    fork = os.fork

    def refuse_or_fork():
        if os.path.exists("refuse"):
            raise BlockingIOError(errno.EAGAIN, "no more processes")
        return fork()

    os.fork = refuse_or_fork
"""


def test_where_there_can_be_no_more_processes_the_template_lives_on(
    python, program, tmp_path, monkeypatch
):
    program(REFUSING, "refusing.py")
    monkeypatch.chdir(tmp_path)
    outcome = python(
        f"""{BEGIN}
    if __name__ == "__main__":
        mp.set_forkserver_preload(["refusing"])
        begin()
        before = template()
        os.kill(spare(), signal.SIGKILL)
        while children():
            time.sleep(0.001)
        open("refuse", "w").close()
        try:
            run()
        except EOFError:
            print("none")
        os.unlink("refuse")
        print(*(run().exitcode for _ in range(3)), template() == before)
        """
    )
    assert (outcome.code, outcome.stdout) == (0, "none\n0 0 0 True\n"), outcome
    assert "BlockingIOError" in outcome.stderr
