"""Programs that call os.fork themselves: what they fork is of the family, and may outlive it."""

import os

import pytest


@pytest.fixture
def agree(onecopy, python, program):
    """Runs a program under stock and under Onecopy, which must print the same; gives what it was.
    (To its errors stock may add that semaphores were left, by what ended with os._exit.)"""

    def run(text, *words):
        path = program(text)
        # From Python 3.12 on a fork beside the threads of a pool is warned of, under both.
        quiet = {"PYTHONWARNINGS": "ignore::DeprecationWarning"}
        plain, ours = python(path, *words, **quiet), onecopy("run", path, *words, **quiet)
        assert (ours.stdout, ours.code) == (plain.stdout, plain.code), ours
        assert ours.stderr == ""
        return ours.stdout

    return run


def test_queues_between_a_program_and_what_it_forked(agree):
    shown = agree(
        """
        import multiprocessing, os
        there, back = multiprocessing.Queue(), multiprocessing.Queue()
        child = os.fork()
        if child == 0:
            while (item := there.get()) is not None:
                back.put(item * 2)
            back.close()
            back.join_thread()
            os._exit(7)
        for item in (21, "ab", b"x" * 100_000, [1]):
            there.put(item)
            print(len(str(back.get())))
        there.put(None)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """
    )
    assert shown == "2\n4\n200003\n6\n7\n"


def test_pipes_end_when_the_forked_one_does(agree):
    shown = agree(
        """
        import multiprocessing, os
        ours, theirs = multiprocessing.Pipe()
        child = os.fork()
        if child == 0:
            ours.close()
            theirs.send(theirs.recv() + 1)
            os._exit(0)
        theirs.close()
        ours.send(1)
        print(ours.recv())
        try:
            ours.recv()
        except EOFError:
            print("the end")
        os.waitpid(child, 0)
        """
    )
    assert shown == "2\nthe end\n"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_what_was_forked_starts_processes_of_its_own(agree, method):
    shown = agree(
        """
        import multiprocessing, os, sys
        def child(queue, word): queue.put(word)
        def square(number): return number * number
        if __name__ == "__main__":
            context = multiprocessing.get_context(sys.argv[1])
            before = context.Queue()
            forked = os.fork()
            if forked == 0:
                after = context.Queue()
                for queue, word in ((before, "from a grandchild"), (after, "to the child")):
                    process = context.Process(target=child, args=(queue, word))
                    process.start()
                    process.join()
                print(after.get(), flush=True)
                with context.Pool(2) as pool:
                    print(pool.map(square, [1, 2, 3]), flush=True)
                os._exit(0)
            os.waitpid(forked, 0)
            print(before.get())
        """,
        method,
    )
    assert shown == "to the child\n[1, 4, 9]\nfrom a grandchild\n"


def test_forks_of_a_program_that_has_no_queue_yet_are_families_of_their_own(agree):
    shown = agree(
        """
        import multiprocessing, os
        def child(queue): queue.put(os.getppid())
        for _ in range(3):
            forked = os.fork()
            queue = multiprocessing.Queue()
            process = multiprocessing.Process(target=child, args=(queue,))
            process.start()
            right = queue.get() == os.getpid()
            process.join()
            if forked == 0:
                os._exit(0 if right else 1)
            print(right, os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]), flush=True)
        """
    )
    assert shown == "True 0\n" * 3


def test_forks_of_forks(agree):
    shown = agree(
        """
        import multiprocessing, os
        queue = multiprocessing.SimpleQueue()
        def fork(depth):
            if depth == 0:
                queue.put(os.getpid())
                return
            for _ in range(2):
                child = os.fork()
                if child == 0:
                    fork(depth - 1)
                    os._exit(0)
                os.waitpid(child, 0)
        fork(4)
        print(len({queue.get() for _ in range(16)}), queue.empty())
        """
    )
    assert shown == "16 True\n"


def test_a_pool_of_the_parent_is_left_alone_by_what_was_forked(agree):
    shown = agree(
        """
        import multiprocessing, os
        def square(number): return number * number
        if __name__ == "__main__":
            with multiprocessing.Pool(2) as pool:
                print(pool.map(square, [1, 2]), flush=True)
                forked = os.fork()
                if forked == 0:
                    os._exit(3)
                print(os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]))
                print(pool.map(square, [3, 4]))
        """
    )
    assert shown == "[1, 4]\n3\n[9, 16]\n"


DAEMONS = """
    import multiprocessing, os, sys

    def become_a_daemon():
        if os.fork():
            return False
        os.setsid()
        if os.fork():
            os._exit(0)
        return True

    def child(queue, word): queue.put(word)

    def converse(mine, other, notes):
        # The root is gone when the write end of this pipe, which it alone had, is.
        os.read(root_is_gone, 1)
        for number in range(100):
            other.put([number] * 100)
            assert mine.get() == [number] * 100
        word = "parent is root" if os.getppid() == root else "root is gone"
        context = multiprocessing.get_context(sys.argv[1])
        process = context.Process(target=child, args=(mine, word))
        process.start()
        process.join()
        with open(notes, "w") as file:
            file.write(f"{mine.get()} {process.exitcode}\\n")

    if __name__ == "__main__":
        root = os.getpid()
        context = multiprocessing.get_context(sys.argv[1])
        one, two = context.Queue(), context.Queue()
        root_is_gone, root_lives = os.pipe()
        for mine, other, notes in ((one, two, sys.argv[2]), (two, one, sys.argv[3])):
            if become_a_daemon():
                os.close(root_lives)
                converse(mine, other, notes)
                break
"""


# Under stock those that are spawned lack the queues' semaphores: the root took their names with it.
@pytest.mark.parametrize(
    ("way", "method"),
    [("stock", "fork"), ("onecopy", "fork"), ("onecopy", "spawn"), ("onecopy", "forkserver")],
)
def test_daemons_that_outlive_the_root_still_use_their_queues(
    onecopy, python, program, tmp_path, method, way
):
    notes = [str(tmp_path / name) for name in ("one", "two")]
    for name in notes:
        os.mkfifo(name)
    files = [os.open(name, os.O_RDWR) for name in notes]
    start = python if way == "stock" else lambda *words: onecopy("run", *words)

    outcome = start(program(DAEMONS), method, *notes)

    assert outcome.code == 0, outcome
    assert [os.read(file, 100) for file in files] == [b"root is gone 0\n"] * 2, outcome
    for file in files:
        os.close(file)


def test_a_daemon_that_closes_all_descriptors_goes_on(agree):
    """As a daemon does by the book."""
    shown = agree(
        """
        import multiprocessing, os, sys
        def child(queue): queue.put([0.5] * 10_000)
        def square(number): return number * number
        before = multiprocessing.Queue()
        before.put("something")
        before.get()
        forked = os.fork()
        if forked == 0:
            os.setsid()
            os.closerange(3, os.sysconf("SC_OPEN_MAX"))
            queue = multiprocessing.Queue()
            process = multiprocessing.Process(target=child, args=(queue,))
            process.start()
            print(len(queue.get()), flush=True)
            process.join()
            with multiprocessing.Pool(2) as pool:
                print(pool.map(square, [1, 2, 3]), flush=True)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]))
        """
    )
    assert shown == "10000\n[1, 4, 9]\n0\n"


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_daemon_that_closed_all_descriptors_is_told_that_it_starts_nothing_afresh(
    onecopy, program, method
):
    path = program(
        """
        import multiprocessing, os, sys
        if __name__ == "__main__":
            queue = multiprocessing.Queue()
            os.closerange(3, os.sysconf("SC_OPEN_MAX"))
            try:
                multiprocessing.get_context(sys.argv[1]).Process(target=print).start()
            except OSError as error:
                print(error)
            queue.put("still there")
            print(queue.get())
        """
    )

    outcome = onecopy("run", path, method)

    assert "the arena's descriptor was closed by the program" in outcome.stdout, outcome
    assert outcome.stdout.endswith("\nstill there\n")
    assert (outcome.code, outcome.stderr) == (0, "")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_daemon_that_closes_all_descriptors_before_its_first_queue_starts_everything(
    agree, method
):
    shown = agree(
        """
        import multiprocessing, os, sys
        def child(queue): queue.put("from a child")
        if __name__ == "__main__":
            forked = os.fork()
            if forked == 0:
                os.setsid()
                os.closerange(3, os.sysconf("SC_OPEN_MAX"))
                context = multiprocessing.get_context(sys.argv[1])
                queue = context.Queue()
                process = context.Process(target=child, args=(queue,))
                process.start()
                print(queue.get(), flush=True)
                process.join()
                os._exit(process.exitcode)
            print(os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]))
        """,
        method,
    )
    assert shown == "from a child\n0\n"
