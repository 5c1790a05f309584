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


def test_starting_and_ending_leaves_no_descriptors():
    def count():
        return len(os.listdir("/proc/self/fd"))

    def once():
        q, (reader, writer) = mp.Queue(), mp.Pipe()
        process = mp.Process(target=q.put, args=(1,), daemon=True)
        process.start()
        assert q.get() == 1
        process.join()
        process.close()
        reader.close()
        writer.close()

    once()
    before = count()
    for _ in range(20):
        once()

    assert count() == before


def test_a_failed_start_leaves_nothing():
    context = mp.get_context("spawn")
    q = context.Queue()

    def count():
        return len(os.listdir("/proc/self/fd"))

    def fail():
        with pytest.raises(Exception, match=r"pickle|local object"):
            context.Process(target=print, args=(q, lambda: 0), daemon=True).start()

    fail()
    before = count()
    places = len(mp.memory()["members"])
    for _ in range(20):
        fail()

    assert count() == before
    assert len(mp.memory()["members"]) == places


def test_starting_into_a_full_family_is_refused(python, method):
    """...and once there is room again, it goes on."""
    outcome = python(
        """
        import onecopy as mp
        import sys
        from onecopy import _engine
        if __name__ == "__main__":
            mp.set_start_method(sys.argv[1])
            process = mp.Process(target=print, args=("before",))
            process.start()  # and with it whatever its start method needs to run
            process.join()
            places = []
            try:
                while True:
                    places.append(_engine.reserve_place())
            except OSError:
                pass
            try:
                mp.Process(target=print, args=("never",)).start()
            except OSError as error:
                print(error)
            for place in places:
                _engine.release_place(*place)
            process = mp.Process(target=print, args=("after",))
            process.start()
            process.join()
            print(process.exitcode)
        """,
        method,
    )
    before, error, after, code = outcome.stdout.splitlines()
    assert "the family is full" in error, outcome
    assert (before, after, code) == ("before", "after", "0"), outcome


def test_a_child_of_the_last_descriptors_that_is_killed_at_once_leaves_nothing(python, method):
    outcome = python(
        """
        import onecopy as mp
        import os, resource, sys, time
        def start_and_kill():
            process = mp.Process(target=time.sleep, args=(1000,), daemon=True)
            process.start()
            process.kill()
            process.join()
            process.close()
        if __name__ == "__main__":
            os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])  # the child runs after the kill
            mp.set_start_method(sys.argv[1])
            start_and_kill()  # what its start method needs is there from now on
            members = len(mp.memory()["members"])
            limits = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, limits[1]))
            taken = []
            try:
                while True:
                    taken.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                pass
            started = 0
            while started < 5:
                os.close(taken.pop())
                try:
                    start_and_kill()
                    started += 1
                except OSError as error:
                    assert error.errno == 24, error
            print(len(mp.memory()["members"]) - members)
        """,
        method,
    )
    assert (outcome.code, outcome.stdout) == (0, "0\n"), outcome


def test_a_start_without_enough_descriptors_leaves_nothing(python, method):
    outcome = python(
        """
        import onecopy as mp
        import os, resource, sys, time
        def end(processes):
            for process in processes:
                process.kill()
                process.join()
                process.close()
        def start():
            process = mp.Process(target=time.sleep, args=(1000,), daemon=True)
            process.start()
            return process
        if __name__ == "__main__":
            mp.set_start_method(sys.argv[1])
            end([start()])  # what its start method needs is there from now on
            before = os.listdir("/proc/self/fd")
            limits = resource.getrlimit(resource.RLIMIT_NOFILE)
            for more in range(20):
                limit = max(map(int, before)) + more
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limits[1]))
                started = []
                try:
                    while True:
                        started.append(start())
                except OSError as error:
                    assert error.errno == 24, error
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
                end(started)
                assert os.listdir("/proc/self/fd") == before, (more, before)
            print("all", len(mp.memory()["members"]))
        """,
        method,
    )
    members = 2 if method == "forkserver" else 1  # with the template's place
    assert (outcome.code, outcome.stdout) == (0, f"all {members}\n"), outcome


def test_a_child_of_another_version_says_so(python):
    outcome = python(
        """
        import onecopy as mp
        from onecopy import _family
        if __name__ == "__main__":
            _family.Place.passage = (
                lambda place: ("0.0.0", place._descriptor, place.slot, place.generation)
            )
            process = mp.get_context("spawn").Process(target=print, args=("never",))
            process.start()
            process.join()
            print(process.exitcode)
        """
    )
    assert outcome.stdout == "1\n"
    assert "the parent runs Onecopy 0.0.0" in outcome.stderr
