"""Programs that are looked at as a whole: their exit code, and what they leave on stderr."""

import multiprocessing as mp
import os
import subprocess
import sys
import tempfile
import textwrap

from telling import program, run_programs

BEGINNING = """\
import multiprocessing as mp
import os, signal, sys, time


def rest(started):
    started.put(os.getpid())
    time.sleep(1000)


def fail():
    raise LookupError("nothing there")


"""


def whole(text, functions=""):
    """Runs the text as the main part of a program, and prints what came of it."""
    main = f"if __name__ == '__main__':\n    mp.set_start_method({mp.get_start_method()!r})\n"
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "program.py")
        with open(path, "w") as file:
            file.write(BEGINNING + textwrap.dedent(functions))
            file.write(main + textwrap.indent(textwrap.dedent(text), "    "))
        done = subprocess.run(
            [sys.executable, path],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    print("exit code", done.returncode)
    print(done.stdout, end="")
    for line in done.stderr.splitlines():
        if line and not line.startswith((" ", "Traceback", "The above", "During handling")):
            print("stderr:", line)


@program
def exception_in_the_parent():
    whole("""
        q = mp.Queue()
        started = mp.Queue()
        mp.Process(target=rest, args=(started,), daemon=True).start()
        started.get()
        print("about to fail", flush=True)
        raise LookupError("nothing there")
    """)


@program
def exception_in_a_child():
    whole("""
        process = mp.Process(target=fail, name="failing")
        process.start()
        process.join()
        print(process.exitcode)
    """)


@program
def exit_with_a_code():
    whole("""
        process = mp.Process(target=print, args=("child",))
        process.start()
        process.join()
        sys.exit(7)
    """)


@program
def children_are_awaited():
    whole(
        """
        mp.Process(target=late).start()
        print("parent is done", flush=True)
        """,
        """
        def late():
            mp.parent_process()
            time.sleep(0.3)
            print("child is done", flush=True)
        """,
    )


@program
def daemons_are_ended():
    whole("""
        started = mp.SimpleQueue()
        process = mp.Process(target=rest, args=(started,), daemon=True)
        process.start()
        started.get()
        import atexit
        atexit._run_exitfuncs()
        print(process.exitcode)
    """)


@program
def interrupted_in_a_get():
    whole("""
        q = mp.Queue()
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        q.get()
    """)


@program
def interrupted_in_a_recv():
    whole("""
        reader, writer = mp.Pipe()
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            reader.recv()
        except KeyboardInterrupt:
            print("interrupted")
        writer.send("still working")
        print(reader.recv())
        os.kill(os.getpid(), signal.SIGINT)
    """)


@program
def interrupted_while_joining():
    whole("""
        started = mp.SimpleQueue()
        process = mp.Process(target=rest, args=(started,), daemon=True)
        process.start()
        started.get()
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        process.join()
    """)


@program
def interrupted_child():
    whole("""
        started = mp.SimpleQueue()
        process = mp.Process(target=rest, args=(started,))
        process.start()
        os.kill(started.get(), signal.SIGINT)
        process.join()
        print(process.exitcode)
    """)


@program
def interrupted_in_a_lock():
    whole("""
        lock = mp.Lock()
        lock.acquire()
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        lock.acquire()
    """)


@program
def handler_that_returns():
    whole(
        """
        q = mp.Queue()
        signal.signal(signal.SIGALRM, lambda number, frame: q.put("by the handler"))
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        print(q.get())
        reader, writer = mp.Pipe()
        signal.signal(signal.SIGALRM, lambda number, frame: writer.send("by the handler"))
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        print(reader.recv())
        """
    )


@program
def handler_that_raises():
    whole(
        """
        signal.signal(signal.SIGALRM, lambda number, frame: 1 / 0)
        receiver, sender = mp.Pipe()
        for wait in (mp.Queue().get, mp.SimpleQueue().get, receiver.recv):
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            try:
                wait()
            except ZeroDivisionError as error:
                print(error)
        """
    )


@program
def without_the_main_guard():
    if mp.get_start_method() == "fork":
        print("needs no guard")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "program.py")
        with open(path, "w") as file:
            file.write(
                "import multiprocessing as mp\n"
                f"mp.set_start_method({mp.get_start_method()!r}, force=True)\n"
                "process = mp.Process(target=print)\nprocess.start()\nprocess.join()\n"
                "print(process.exitcode)\n"
            )
        done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False)
    print(done.returncode, done.stdout)
    print([line for line in done.stderr.splitlines() if line.startswith("RuntimeError")])


@program
def log_to_stderr():
    whole(
        """
        logger = mp.log_to_stderr()
        print(logger is mp.get_logger(), logger.level, logger.propagate, len(logger.handlers))
        logger.setLevel("INFO")
        process = mp.Process(target=log, name="logging")
        process.start()
        process.join()
        """,
        """
        def log():
            logger = mp.log_to_stderr() if mp.get_start_method() != "fork" else mp.get_logger()
            logger.setLevel("INFO")
            logger.warning("a warning of a child")
            logger.debug("not shown")
        """,
    )


@program
def log_with_a_level():
    whole("""
        import logging
        logger = mp.log_to_stderr(logging.WARNING)
        print(logger.level, logger.handlers[0].formatter._fmt)
        logger.info("not shown")
        logger.error("shown")
        print(mp.get_logger().getEffectiveLevel())
    """)


@program
def pool_left_open():
    whole("""
        pool = mp.Pool(2)
        print(pool.map(abs, [-1, -2]))
    """)


@program
def queue_left_full():
    whole("""
        q = mp.Queue()
        q.put(1)
        q.put([2])
        print("done")
    """)


@program
def killed_parent():
    whole("""
        print("going", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """)


@program
def print_in_a_child_that_is_killed():
    whole(
        """
        process = mp.Process(target=say_and_die)
        process.start()
        process.join()
        print(process.exitcode)
        """,
        """
        def say_and_die():
            print("said", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        """,
    )


if __name__ == "__main__":
    run_programs()
