"""Start methods and contexts."""

import multiprocessing as mp
import subprocess
import sys
import tempfile
from pathlib import Path

from telling import program, run_programs, show

METHODS = ("fork", "spawn", "forkserver")


@program
def the_method_that_is_set():
    print(mp.get_start_method() == sys.argv[1], mp.get_start_method(True) == sys.argv[1])
    print(mp.get_context().get_start_method() == sys.argv[1], sorted(mp.get_all_start_methods()))
    print(mp.get_all_start_methods())


@program
def set_again():
    show(mp.set_start_method, "fork")
    show(mp.set_start_method, "nonsense", force=True)
    show(mp.set_start_method, 5, force=True)
    show(mp.set_start_method)
    before = mp.get_start_method()
    for method in METHODS:
        mp.set_start_method(method, force=True)
        print(mp.get_start_method(), type(mp.get_context()).__name__)
    mp.set_start_method(before, force=True)


@program
def set_back_to_none():
    before = mp.get_start_method()
    mp.set_start_method(None, force=True)
    print(mp.get_start_method(allow_none=True))
    print(mp.get_start_method() in METHODS, mp.get_start_method(allow_none=True) in METHODS)
    mp.set_start_method(before, force=True)


@program
def contexts_of_methods():
    for method in METHODS:
        context = mp.get_context(method)
        print(type(context).__name__, context.get_start_method(), context is mp.get_context(method))
        print(context.get_context() is context, context.get_context(method) is context)
        print(issubclass(context.Process, mp.process.BaseProcess), context.Process.__name__)
    for wrong in ("thread", "", 5, "FORK"):
        show(mp.get_context, wrong)
    show(mp.get_context, [])
    show(mp.get_context("fork").get_context, "nonsense")


@program
def contexts_cannot_be_set():
    show(mp.get_context("fork").set_start_method, "spawn")
    show(mp.get_context("fork").set_start_method)
    show(mp.get_context("spawn").set_start_method, "spawn", True)


@program
def each_method_starts():
    for method in METHODS:
        context = mp.get_context(method)
        queue = context.SimpleQueue()
        process = context.Process(target=say_methods, args=(queue,))
        process.start()
        print(method, queue.get(), process.name, type(process).__name__)
        process.join()
        print(process.exitcode)


def say_methods(queue):
    queue.put((mp.get_start_method(), mp.get_start_method(allow_none=True)))


@program
def names_of_the_package():
    ours = ("Executor", "WorkerDied", "__version__", "install_allocator", "memory")
    print([name for name in mp.__all__ if name not in ours])
    print([name for name in mp.__all__ if not hasattr(mp, name)])


@program
def names_of_a_context():
    context = mp.get_context("spawn")
    names = [name for name in dir(context) if not name.startswith("_")]
    print(names)


@program
def errors_of_the_package():
    for name in ("ProcessError", "BufferTooShort", "TimeoutError", "AuthenticationError"):
        kind = getattr(mp, name)
        print(
            name, [base.__name__ for base in kind.__mro__], getattr(mp.get_context(), name) is kind
        )


@program
def makers_of_a_context():
    context = mp.get_context("spawn")
    made = [
        context.Queue(3), context.JoinableQueue(), context.SimpleQueue(), *context.Pipe(),
        context.Lock(), context.RLock(), context.Semaphore(2), context.BoundedSemaphore(),
        context.Condition(), context.Event(), context.Barrier(2), context.Value("i", 1),
        context.Array("i", 2), context.RawValue("i"), context.RawArray("i", 2),
    ]  # fmt: skip
    print(len(made), context.cpu_count() == mp.cpu_count(), context.current_process().name)
    print(context.active_children(), context.parent_process(), context.freeze_support())
    with context.Pool(1) as pool:
        print(pool.apply(len, ("abc",)))
    with context.Manager() as manager:
        print(manager.list([1]))


@program
def wrong_arguments_of_a_context():
    context = mp.get_context("fork")
    show(context.Queue, "many")
    show(context.Queue, 1, 2)
    show(context.Pipe, 1, 2)
    show(context.SimpleQueue, 1)
    show(context.get_context, 1, 2)
    show(context.get_start_method, 1, 2)
    show(lambda: context.nothing)


@program
def queue_of_the_same_context():
    context = mp.get_context()
    queue = context.Queue()
    process = context.Process(target=queue.put, args=("there",))
    process.start()
    print(queue.get())
    process.join()


@program
def process_without_a_context():
    from multiprocessing.process import BaseProcess

    process = BaseProcess(target=print)
    show(process.start)


@program
def preload_and_executable():
    show(mp.set_forkserver_preload, "module")
    show(mp.set_forkserver_preload, [1])
    show(mp.set_forkserver_preload)
    show(mp.set_executable)
    show(mp.allow_connection_pickling)
    mp.set_executable(sys.executable)
    process = mp.Process(target=print, args=("started",))
    process.start()
    process.join()


FRESH = """
import multiprocessing as mp
print(mp.get_start_method(allow_none=True), mp.get_all_start_methods())
print(type(mp.get_context()).__name__, mp.get_start_method(allow_none=True))
print(mp.get_start_method(), mp.get_start_method(allow_none=True))
try:
    mp.set_start_method("spawn")
except RuntimeError as error:
    print(error)
mp.set_start_method("spawn", force=True)
print(mp.get_start_method(), type(mp.get_context()).__name__, mp.get_all_start_methods())
"""

TAKEN_BY_A_PROCESS = """
import multiprocessing as mp
process = mp.Process(target=print, args=("started",))
print(mp.get_start_method(allow_none=True))
if __name__ == "__main__":
    process.start()
    process.join()
    print(mp.get_start_method(allow_none=True))
"""

SET_TWICE = """
import multiprocessing as mp
mp.set_start_method("forkserver")
print(mp.get_start_method(), type(mp.get_context()).__name__)
try:
    mp.set_start_method("forkserver")
except RuntimeError as error:
    print(error)
"""


@program
def defaults_of_a_fresh_program():
    for code in (FRESH, TAKEN_BY_A_PROCESS, SET_TWICE):
        print(fresh(code))


def fresh(code, *words):
    return subprocess.run(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, check=True, text=True
    ).stdout


OTHER_EXECUTABLE = """
import multiprocessing as mp
import multiprocessing.spawn
import sys
if __name__ == "__main__":
    mp.set_executable(sys.argv[1])
    print(mp.spawn.get_executable() in (sys.argv[1], sys.argv[1].encode()))
    for method in ("fork", "spawn", "forkserver"):
        context = mp.get_context(method)
        pipe, other = context.Pipe(duplex=False)
        process = context.Process(target=other.send, args=(method,))
        process.start()
        print(pipe.recv())
        process.join()
"""


@program
def executable_that_is_set():
    with tempfile.TemporaryDirectory() as folder:
        noted, other = Path(folder, "noted"), Path(folder, "other")
        other.write_text(
            f'#!/bin/sh\necho "$@" | grep -o "multiprocessing[a-z._]*" >> {noted}\n'
            f'exec {sys.executable} "$@"\n'
        )
        other.chmod(0o755)
        print(fresh(OTHER_EXECUTABLE, str(other)))
        print(sorted(noted.read_text().split()))


PRELOADED = """
import multiprocessing as mp
import sys
if __name__ == "__main__":
    sys.path.append(sys.argv[1])
    context = mp.get_context("forkserver")
    for names in (["xml.dom", "no.such.module"], ["tells"], []):
        context.set_forkserver_preload(names)
        with context.Pool(1) as pool:
            print(pool.apply(eval, ("['xml.dom' in __import__('sys').modules]",)))
            print(pool.apply(eval, ("'tells' in __import__('sys').modules",)))
"""


@program
def modules_that_a_template_loads():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "tells.py").write_text("print('loaded', flush=True)\n")
        print(fresh(PRELOADED, folder))


@program
def main_module_in_a_child():
    queue = mp.SimpleQueue()
    process = mp.Process(target=say_main, args=(queue,))
    process.start()
    print(queue.get())
    process.join()


def say_main(queue):
    main = sys.modules["__main__"]
    queue.put((say_main.__module__, hasattr(main, "say_main"), main.__name__, len(sys.argv)))


@program
def rebuilt_contexts():
    import pickle

    show(lambda: type(pickle.loads(pickle.dumps(mp.get_context("spawn")))).__name__)
    from multiprocessing import context

    print(context.get_spawning_popen())
    show(context.assert_spawning, [])


if __name__ == "__main__":
    run_programs()
