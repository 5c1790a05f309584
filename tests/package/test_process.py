"""Processes: who lives how long, and what a child is given."""

import os
import signal
import tempfile
import time

import pytest

import onecopy as mp

KILLED_PARENT = """
    import onecopy as mp
    import os, signal, sys, time
    from concurrent.futures import ProcessPoolExecutor
    def busy(writer):
        writer.send(os.getpid())
        while True:
            pass
    def asleep(writer):
        writer.send(os.getpid())
        time.sleep(1000)
    def waiting(writer):
        writer.send(os.getpid())
        mp.Queue().get()
    def echo(writer, question, answer):
        writer.send(os.getpid())
        with open(question, "rb") as questions, open(answer, "wb") as answers:
            answers.write(questions.readline())
    def task(writer):
        asleep(writer)
    if __name__ == "__main__":
        mp.set_start_method(sys.argv[1])
        reader, writer = mp.Pipe(duplex=False)
        what = sys.argv[2]
        if what in ("busy", "asleep", "waiting"):
            mp.Process(target=globals()[what], args=(writer,), daemon=True).start()
            pids = [reader.recv()]
        elif what == "free":
            mp.Process(target=echo, args=(writer, *sys.argv[3:])).start()
            pids = [reader.recv()]
        elif what == "idle pool":
            pool = mp.Pool(2)
            pids = [process.pid for process in pool._pool]
        elif what == "busy pool":
            pool = mp.Pool(2)
            pool.apply_async(task, (writer,))
            pids = [process.pid for process in pool._pool]
            reader.recv()
        elif what == "executor":
            executor = ProcessPoolExecutor(1, mp_context=mp.get_context())
            pids = [executor.submit(os.getpid).result()]
        elif what == "manager":
            manager = mp.Manager()
            pids = [manager._process.pid]
        print(*pids, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""

SERVANTS = ["busy", "asleep", "waiting", "idle pool", "busy pool", "executor", "manager"]


@pytest.mark.parametrize("what", SERVANTS)
def test_who_serves_a_killed_parent_goes_with_it(python, method, soon_gone, what):
    outcome = python(KILLED_PARENT, method, what)

    assert outcome.code == -signal.SIGKILL, outcome
    pids = [int(pid) for pid in outcome.stdout.split()]
    assert soon_gone(pids)


def test_other_children_of_a_killed_parent_live_on(python, method, soon_gone, tmp_path):
    names = [str(tmp_path / name) for name in ("question", "answer")]
    for name in names:
        os.mkfifo(name)
    outcome = python(KILLED_PARENT, method, "free", *names)
    (pid,) = (int(pid) for pid in outcome.stdout.split())

    # Opened to read and write, so that opening waits for nobody.
    question, answer = (os.open(name, os.O_RDWR) for name in names)
    os.write(question, b"are you there?\n")

    assert os.read(answer, 100) == b"are you there?\n"
    assert soon_gone([pid])
    os.close(question)
    os.close(answer)


def test_a_daemon_goes_when_its_parent_leaves_without_a_word(python, method, soon_gone):
    outcome = python(
        KILLED_PARENT.replace("os.kill(os.getpid(), signal.SIGKILL)", "os._exit(0)"), method, "busy"
    )

    assert outcome.code == 0
    assert soon_gone([int(outcome.stdout)])


def test_a_killed_parent_leaves_no_name_of_its_template(python, soon_gone):
    with tempfile.TemporaryDirectory() as folder:  # its name short enough for a socket's
        outcome = python(KILLED_PARENT, "forkserver", "idle pool", TMPDIR=folder)

        assert soon_gone([int(pid) for pid in outcome.stdout.split()])
        while os.listdir(folder):
            time.sleep(0.01)


def test_a_killed_template_is_replaced_by_one_of_the_family(python):
    outcome = python(
        """
        import onecopy as mp
        import os, signal, sys
        from multiprocessing import forkserver, util
        def child(q):
            q.put("onecopy._template" in sys.modules)
        if __name__ == "__main__":
            mp.set_start_method("forkserver")
            q = mp.Queue()
            for _ in range(3):
                process = mp.Process(target=child, args=(q,))
                process.start()
                print(q.get(), len(os.listdir(util.get_temp_dir())))
                process.join()
                os.kill(forkserver._forkserver._forkserver_pid, signal.SIGKILL)
                os.waitid(os.P_PID, forkserver._forkserver._forkserver_pid,
                          os.WEXITED | os.WNOWAIT)
        """
    )
    assert (outcome.code, outcome.stdout) == (0, "True 1\n" * 3), outcome


def test_a_daemons_lifeline_survives_its_siblings(python, method):
    outcome = python(
        """
        import onecopy as mp
        import os, sys, time
        def sleep(reader):
            reader.recv()
        if __name__ == "__main__":
            mp.set_start_method(sys.argv[1])
            pipes = [mp.Pipe(duplex=False) for _ in range(4)]
            daemons = [mp.Process(target=sleep, args=(reader,), daemon=True) for reader, _ in pipes]
            for daemon in daemons:
                daemon.start()
            for daemon, (_, writer) in zip(daemons, pipes):
                print([other.is_alive() for other in daemons])
                writer.send("stop")
                daemon.join()
                print(daemon.exitcode)
        """,
        method,
    )
    alive = [[False] * n + [True] * (4 - n) for n in range(4)]
    expected = "".join(f"{states}\n0\n" for states in alive)
    assert (outcome.code, outcome.stdout) == (0, expected), outcome


def test_what_was_put_outlives_the_putter(python, method):
    outcome = python(
        """
        import onecopy as mp
        import os, signal, sys
        def put(q, end):
            for number in range(1000):
                q.put([number] * 100)
            end.send(b"x" * 1000000)
            os.kill(os.getpid(), signal.SIGKILL)
        if __name__ == "__main__":
            mp.set_start_method(sys.argv[1])
            q = mp.Queue()
            ours, theirs = mp.Pipe()
            process = mp.Process(target=put, args=(q, theirs))
            process.start()
            theirs.close()
            process.join()
            print(process.exitcode, all(q.get() == [number] * 100 for number in range(1000)))
            print(len(ours.recv()))
            try:
                ours.recv()
            except EOFError:
                print("the end")
        """,
        method,
    )
    assert outcome.stdout == f"{-signal.SIGKILL} True\n1000000\nthe end\n", outcome


def test_a_child_ends_without_waiting_for_its_items_to_be_got(python, method):
    outcome = python(
        """
        import onecopy as mp
        import sys
        def put(q):
            for _ in range(100):
                q.put(b"x" * 100000)
        if __name__ == "__main__":
            mp.set_start_method(sys.argv[1])
            q = mp.Queue()
            process = mp.Process(target=put, args=(q,))
            process.start()
            process.join()
            print(process.exitcode, sum(len(q.get()) for _ in range(100)))
        """,
        method,
    )
    assert outcome.stdout == "0 10000000\n", outcome


def test_what_a_child_was_given_needs_no_parent_to_keep_it(python, method):
    outcome = python(
        """
        import onecopy as mp
        import sys, time
        def child(q, reader, go):
            go.get()
            print(q.get(), reader.recv(), flush=True)
        if __name__ == "__main__":
            mp.set_start_method(sys.argv[1])
            q, go = mp.Queue(), mp.Queue()
            reader, writer = mp.Pipe(duplex=False)
            q.put("queued")
            writer.send("sent")
            process = mp.Process(target=child, args=(q, reader, go))
            process.start()
            reader.close()
            writer.close()
            del q, reader, writer
            go.put(1)
            process.join()
        """,
        method,
    )
    assert outcome.stdout == "queued sent\n", outcome


def test_queues_made_while_the_main_module_is_imported(python, method):
    """Where a child imports it anew, they are its own; what it is given is still its parent's."""
    outcome = python(
        """
        import onecopy as mp
        import sys
        context = mp.get_context(sys.argv[1])
        of_the_module = context.Queue()
        def child(q):
            of_the_module.put("mine")
            q.put(q is of_the_module or of_the_module.get())
        if __name__ == "__main__":
            q = context.SimpleQueue()
            for _ in range(2):
                process = context.Process(target=child, args=(q,))
                process.start()
                print(q.get())
                process.join()
        """,
        method,
    )
    assert outcome.stdout == "mine\nmine\n", outcome


def test_a_template_that_makes_queues_while_it_preloads(program, python):
    program("import onecopy as mp\nq = mp.Queue()\nq.put('of the template')\n", "preloaded.py")
    outcome = python(
        """
        import onecopy as mp
        import sys
        def child(q, end):
            import preloaded
            q.put("of the parent")
            end.send(preloaded.q.get())
        if __name__ == "__main__":
            mp.set_start_method("forkserver")
            mp.set_forkserver_preload(["preloaded"])
            q = mp.Queue()
            ours, theirs = mp.Pipe()
            process = mp.Process(target=child, args=(q, theirs))
            process.start()
            theirs.close()
            print(q.get(), ours.recv())
            process.join()
            print(process.exitcode)
        """
    )
    assert outcome.stdout == "of the parent of the template\n0\n", outcome


@pytest.mark.parametrize("stock_method", ["fork", "spawn", "forkserver"])
def test_a_stock_process_may_be_given_our_queues(python, stock_method):
    outcome = python(
        """
        import multiprocessing, onecopy, sys
        def child(q, end):
            q.put(end.recv())
        if __name__ == "__main__":
            q, (ours, theirs) = onecopy.Queue(), onecopy.Pipe()
            context = multiprocessing.get_context(sys.argv[1])
            process = context.Process(target=child, args=(q, theirs))
            process.start()
            ours.send("through a stock process")
            print(q.get())
            process.join()
            print(process.exitcode)
        """,
        stock_method,
    )
    assert outcome.stdout == "through a stock process\n0\n", outcome


def test_a_child_forked_by_the_program_itself():
    q = mp.Queue()
    pid = os.fork()
    if pid == 0:
        q.put("from the fork")
        os._exit(0)

    assert q.get() == "from the fork"
    assert os.waitpid(pid, 0) == (pid, 0)


def test_ctrl_c_ends_a_get(python):
    outcome = python(
        """
        import onecopy as mp
        import os, signal, threading, time
        def interrupt():
            looks = 0  # at the main thread: asleep in its call, and not merely for this one
            while looks < 5:
                time.sleep(0.002)
                with open(f"/proc/{os.getpid()}/stat") as file:
                    looks = looks + 1 if ") S " in file.read() else 0
            os.kill(os.getpid(), signal.SIGINT)
        q, (reader, writer) = mp.Queue(), mp.Pipe(duplex=False)
        for call in (q.get, lambda: q.get(timeout=1000), reader.recv, lambda: reader.poll(None),
                     lambda: mp.connection.wait([reader, q._reader]), mp.SimpleQueue().get):
            try:
                threading.Thread(target=interrupt).start()
                call()
            except KeyboardInterrupt:
                print("interrupted")
        """
    )
    assert outcome.stdout == "interrupted\n" * 6, outcome
