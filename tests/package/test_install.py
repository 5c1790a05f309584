"""After install() the stock package means Onecopy, whichever way a program came by its names."""

import multiprocessing

import pytest

INSTALL = """
    from onecopy.install import install
    install()
    install()
"""

EVERYWHERE = (
    INSTALL
    + """
    import multiprocessing as mp
    import multiprocessing.connection, multiprocessing.pool, multiprocessing.queues
    import onecopy
    import sys
    from multiprocessing import Pipe, Pool, Process, Queue, connection, get_context
    from multiprocessing.connection import wait
    from multiprocessing.context import ForkProcess, SpawnContext

    def module_of(thing):
        return type(thing).__module__

    if __name__ == "__main__":
        mp.set_start_method(sys.argv[1])
        print({module_of(thing) for thing in (
            Queue(), mp.Queue(), mp.JoinableQueue(), mp.SimpleQueue(),
            get_context().Queue(), SpawnContext().Queue(), get_context("fork").Queue())})
        print({module_of(thing) for thing in (*Pipe(), *connection.Pipe(False), mp.Pipe()[0])})
        for kind in (Process, mp.Process, get_context().Process, ForkProcess, onecopy.Process):
            process = kind(target=print)
            process.start()
            print(module_of(process._popen))
            process.join()
        print(connection.wait is wait is onecopy.connection.wait)
        print(mp.queues.Queue.__module__, mp.queues.SimpleQueue.__module__, mp.pool.Pool.__module__)
"""
)


def test_every_way_to_a_name(python, method):
    outcome = python(EVERYWHERE, method)
    module = {"spawn": "spawn_posix"}.get(method, method)
    assert [line for line in outcome.stdout.splitlines() if line] == [
        "{'onecopy.queues'}",
        "{'onecopy.connection'}",
        *[f"onecopy.popen_{module}"] * 3,
        "onecopy.popen_fork",
        f"onecopy.popen_{module}",
        "True",
        "multiprocessing.queues multiprocessing.queues multiprocessing.pool",
    ], outcome


def test_children_have_it_too(python, method):
    outcome = python(
        INSTALL
        + """
    import sys

    def child(answers):
        import multiprocessing
        answers.put((type(multiprocessing.Queue()).__module__, multiprocessing.get_start_method()))

    if __name__ == "__main__":
        import multiprocessing
        multiprocessing.set_start_method(sys.argv[1])
        answers = multiprocessing.Queue()
        process = multiprocessing.Process(target=child, args=(answers,))
        process.start()
        print(*answers.get())
        process.join()
""",
        method,
    )
    assert outcome.stdout == f"onecopy.queues {method}\n", outcome


def test_modules_loaded_before_follow(python):
    outcome = python(
        """
        import multiprocessing as mp
        import multiprocessing.pool
        mp.set_start_method("fork")
        early, process = mp.get_context("spawn"), mp.Process(target=print, args=("started",))
        from onecopy.install import install
        install()
        print(type(mp.Queue()).__module__, type(early.Queue()).__module__)
        process.start()
        process.join()
        print(type(process._popen).__module__)
        print(mp.pool.wait is mp.connection.wait)
        with mp.Pool(2) as pool, mp.pool.Pool(2) as direct:
            print(pool.map(abs, [-1, -2]), direct.map(abs, [-3]))
            print(type(pool).__module__, type(direct._inqueue).__module__)
        """
    )
    assert outcome.stdout == (
        "onecopy.queues onecopy.queues\nstarted\nonecopy.popen_fork\n"
        "True\n[1, 2] [3]\nonecopy.pool onecopy.queues\n"
    ), outcome


def test_the_environment_gives_the_default_start_method(python, method):
    text = (
        INSTALL
        + """
    import multiprocessing as mp
    print(mp.get_start_method(allow_none=True), mp.get_start_method())
    mp.set_start_method("spawn", force=True)
    print(mp.get_start_method())
"""
    )
    outcome = python(text, ONECOPY_START=method)
    assert outcome.stdout == f"None {method}\nspawn\n", outcome


def test_without_it_the_default_is_the_interpreters(python):
    text = INSTALL + "    import multiprocessing as mp\n    print(mp.get_start_method())\n"
    outcome = python(text)
    assert outcome.stdout == multiprocessing.get_start_method() + "\n", outcome


def test_the_program_may_still_set_its_own(python):
    outcome = python(
        INSTALL
        + """
    import multiprocessing as mp
    mp.set_start_method("spawn")
    print(mp.get_start_method())
""",
        ONECOPY_START="forkserver",
    )
    assert outcome.stdout == "spawn\n", outcome


def test_an_unknown_start_method_is_refused(python):
    outcome = python(INSTALL, ONECOPY_START="thread")
    assert outcome.code == 1
    assert "ONECOPY_START is 'thread'; it must be fork, spawn or forkserver" in outcome.stderr


@pytest.mark.parametrize("base", ["queues.Queue", "queues.SimpleQueue", "pool.Pool", "Process"])
def test_classes_can_still_be_derived_from(python, method, base):
    outcome = python(
        INSTALL
        + f"""
    import multiprocessing as mp
    import multiprocessing.pool, multiprocessing.queues
    import sys

    class Derived(mp.{base}):
        mark = "derived"

    def child(q, word):
        q.put(word)

    if __name__ == "__main__":
        context = mp.get_context(sys.argv[1])
        if "{base}" == "Process":
            mp.set_start_method(sys.argv[1])
            q = context.Queue()
            process = Derived(target=child, args=(q, "hello"))
            process.start()
            print(q.get())
            process.join()
        elif "{base}" == "pool.Pool":
            with Derived(2, context=context) as pool:
                print(pool.map(str.lower, ["HELLO"])[0])
        else:
            q = Derived(ctx=context)
            process = context.Process(target=child, args=(q, "hello"))
            process.start()
            print(q.get())
            process.join()
""",
        method,
    )
    assert outcome.stdout == "hello\n", outcome


def test_a_start_method_of_another_package(python):
    outcome = python(
        INSTALL
        + """
    import multiprocessing as mp
    import multiprocessing.context

    class Context(mp.context.SpawnContext):
        _name = "another"

    mp.context._concrete_contexts["another"] = Context()
    print(mp.get_context("another").get_start_method())
    mp.set_start_method("another")
    print(mp.get_start_method(), type(mp.get_context()).__name__)
"""
    )
    assert outcome.stdout == "another\nanother Context\n", outcome


def test_processes_of_a_class_that_a_template_took_before(program, python):
    """A template that preloads a module does so before its children are told to be on Onecopy."""
    program("from multiprocessing import Process\n", "preloaded.py")
    outcome = python(
        INSTALL
        + """
    import multiprocessing as mp
    import preloaded

    def child(q, deeper):
        if deeper:
            process = preloaded.Process(target=child, args=(q, deeper - 1))
            process.start()
            process.join()
        q.put(deeper)

    if __name__ == "__main__":
        mp.set_start_method("forkserver")
        mp.set_forkserver_preload(["preloaded"])
        q = mp.Queue()
        process = preloaded.Process(target=child, args=(q, 2))
        process.start()
        print(q.get(), q.get(), q.get())
        process.join()
"""
    )
    assert outcome.stdout == "0 1 2\n", outcome
