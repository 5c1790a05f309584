"""Start methods and contexts."""

import multiprocessing as mp
import sys

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
    ours = ("__version__", "install_allocator", "memory")
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
