"""Processes: what they are called and told, how they end, and what their parent sees of it."""

import multiprocessing as mp
import os
import signal
import sys
import time

from telling import program, run_programs, show


class Own(mp.Process):
    def __init__(self, queue):
        super().__init__(name="own", daemon=True)
        self.queue = queue

    def run(self):
        me, parent = mp.current_process(), mp.parent_process()
        self.queue.put((type(me).__name__, me.name, me.daemon, parent.name, mp.active_children()))


class NoSuper(mp.Process):
    def __init__(self):
        pass


def leave(code):
    sys.exit(code)


def rest(started):
    started.send(os.getpid())
    time.sleep(1000)


def resting(**how):
    """A process that rests, once it does."""
    reader, writer = mp.Pipe(duplex=False)
    process = mp.Process(target=rest, args=(writer,), **how)
    process.start()
    return process, reader.recv()


def ended(target, *args):
    process = mp.Process(target=target, args=args)
    process.start()
    process.join()
    return process.exitcode


def asked(target, *args, **how):
    """What the target puts into a queue in another process."""
    queue = mp.SimpleQueue()
    process = mp.Process(target=target, args=(queue, *args), **how)
    process.start()
    answer = queue.get()
    process.join()
    return answer


@program
def before_the_start():
    process = mp.Process(target=print)
    print(process, process.name, process.daemon, process.exitcode, process.pid, process.ident)
    print(process.is_alive(), len(process.authkey) == 32)
    show(lambda: process.sentinel)
    show(process.join)
    process.close()
    show(process.is_alive)


@program
def running_and_ended():
    process, pid = resting(name="sleeper")
    print(pid == process.pid == process.ident, process.is_alive(), process.exitcode)
    print(mp.active_children() == [process], process, isinstance(process.sentinel, int))
    print(process.join(0.01), process.join(0), process.join(-1), process.exitcode)
    show(process.close)
    process.terminate()
    process.join()
    print(process, process.exitcode == -signal.SIGTERM, process.is_alive())
    process.close()
    for call in (process.join, process.is_alive, process.terminate, process.kill, process.close):
        show(call)
    show(lambda: process.exitcode)
    show(lambda: process.sentinel)
    show(lambda: process.pid)
    print(process)


@program
def killed():
    process, _ = resting()
    process.kill()
    process.join()
    print(process.exitcode, process)
    process.kill()
    process.terminate()


@program
def ended_by_a_signal():
    process, pid = resting()
    os.kill(pid, signal.SIGUSR1)
    process.join(30)
    print(process.exitcode, process)


@program
def exit_codes():
    for code in (None, 0, 3, 255, 256, -1, True, "text", 2.5, [1]):
        print(code, ended(leave, code))


@program
def exit_without_cleaning():
    print(ended(os._exit, 7))


@program
def raising_in_a_child():
    for error in (
        LookupError("nothing there"),
        KeyboardInterrupt(),
        SystemExit(4),
        GeneratorExit(),
    ):
        print(ended(throw, error))


def throw(error):
    raise error


@program
def raising_with_a_cause():
    print(ended(throw_with_cause))


def throw_with_cause():
    try:
        raise KeyError("first")
    except KeyError as error:
        raise ValueError("second") from error


@program
def own_class():
    queue = mp.Queue()
    own = Own(queue)
    print(own, own.exitcode, own.is_alive())
    own.start()
    print(queue.get())
    own.join(30)
    print(own, own.exitcode, mp.active_children())


@program
def own_class_that_forgets_super():
    show(NoSuper().start)
    show(lambda: NoSuper().name)


@program
def started_twice():
    process = mp.Process(target=print)
    process.start()
    process.join()
    show(process.start)


@program
def run_in_this_process():
    process = mp.Process(target=print, args=("run", "here"), kwargs={"sep": "-"})
    process.run()
    mp.Process().run()
    print(ended(None))


@program
def wrong_arguments():
    show(mp.Process, 5)
    show(mp.Process, "group")
    show(mp.Process, None, print, None, 5)
    show(mp.Process, target=print, args=None)
    show(mp.Process, target=print, kwargs=[1])
    show(mp.Process, task=print)
    show(lambda: mp.Process(target=5).run())
    show(lambda: mp.Process(daemon="yes").daemon)
    process = mp.Process(target=print)
    show(process.join, "soon")
    show(setattr, process, "name", 5)
    show(setattr, process, "exitcode", 5)
    show(setattr, process, "pid", 5)
    show(setattr, process, "authkey", "text")
    show(process.join, 1, 2)


@program
def wrong_timeout_of_join():
    process, _ = resting()
    for time_ in ("soon", [], 1j):
        show(process.join, time_)
    process.kill()
    process.join()


@program
def target_that_cannot_be_called():
    print(ended(5))


@program
def names():
    first, second = mp.Process(), mp.Process(name="second")
    print(first.name, second.name, mp.Process().name)
    second.name = "other"
    print(second.name, asked(say_name, name="told"))
    print(mp.current_process().name, mp.current_process())


def say_name(queue):
    queue.put((mp.current_process().name, mp.Process().name, repr(mp.current_process())[:30]))


@program
def parents():
    print(mp.parent_process(), asked(say_parent))


def say_parent(queue):
    parent = mp.parent_process()
    queue.put((parent.name, parent.is_alive(), parent.pid == os.getpid(), repr(parent)[:28]))


@program
def parent_cannot_be_started():
    print(asked(use_parent))


def use_parent(queue):
    answers = []
    for call in (
        mp.parent_process().start,
        mp.parent_process().terminate,
        mp.parent_process().join,
    ):
        try:
            answers.append(call() if "join" not in call.__name__ else "not called")
        except Exception as error:
            answers.append((type(error).__name__, str(error)))
    queue.put(answers)


@program
def child_of_another_process():
    process, _ = resting()
    print(asked(use_foreign, process.pid))
    process.kill()
    process.join()


def use_foreign(queue, pid):
    answers = [len(mp.active_children())]
    foreign = mp.Process()
    foreign._parent_pid = pid
    for call in (foreign.start, foreign.join, foreign.is_alive):
        try:
            answers.append(call())
        except AssertionError as error:
            answers.append(str(error))
    queue.put(answers)


@program
def daemons():
    process = mp.Process(target=print, daemon=True)
    print(process.daemon)
    process.daemon = 0
    print(process.daemon, mp.current_process().daemon)
    process.start()
    process.join()  # it prints a line, and is not to print it in the middle of ours
    show(setattr, process, "daemon", True)
    print(asked(nest, daemon=True))


def nest(queue):
    try:
        mp.Process(target=print).start()
    except AssertionError as error:
        queue.put((str(error), mp.current_process().daemon, mp.Process().daemon))


@program
def keys():
    first, second = mp.Process(), mp.Process()
    print(first.authkey == second.authkey == mp.current_process().authkey)
    mp.current_process().authkey = b"a new key"
    print(mp.Process().authkey, first.authkey == second.authkey, type(first.authkey).__name__)
    print(asked(say_key))


def say_key(queue):
    queue.put(bytes(mp.current_process().authkey))


@program
def key_cannot_be_sent():
    reader, writer = mp.Pipe(duplex=False)
    show(writer.send, mp.current_process().authkey)
    show(writer.send, mp.current_process())
    print(reader.poll())


@program
def children():
    processes = [mp.Process(target=print, name=f"child {number}") for number in range(3)]
    print(mp.active_children())
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print(mp.active_children(), [process.exitcode for process in processes])


@program
def grandchildren():
    queue = mp.Queue()
    process = mp.Process(target=descend, args=(queue, 2))
    process.start()
    print([queue.get() for _ in range(3)])
    process.join()


def descend(queue, deeper):
    if deeper:
        process = mp.Process(target=descend, args=(queue, deeper - 1))
        process.start()
        process.join()
    queue.put((deeper, mp.current_process().name))


@program
def arguments():
    print(asked(say_arguments, 1, [2], kwargs={"word": "w"}))
    args = [1]
    process = mp.Process(target=print, args=args, kwargs={"end": "!\n"})
    args.append(2)
    process.start()
    process.join()


def say_arguments(queue, *args, word):
    queue.put((args, word))


@program
def arguments_are_copies():
    table = {"list": [1]}
    print(asked(change, table), table)


def change(queue, table):
    table["list"].append(2)
    queue.put(table)


@program
def globals_of_a_child():
    global setting
    before, setting = setting, "changed"
    print(asked(say_setting) == (setting if mp.get_start_method() == "fork" else before))
    setting = before


setting = "as written"


def say_setting(queue):
    queue.put(setting)


@program
def arguments_that_cannot_be_pickled():
    process = mp.Process(target=print, args=(show.__globals__["sys"],))
    if mp.get_start_method() == "fork":
        print("inherits all")
    else:
        show(process.start)
        print(process.exitcode, mp.active_children())


@program
def output_is_flushed():
    print(ended(write_a_little))


def write_a_little():
    sys.stdout.write("no newline at the end")
    sys.stdout.write("\n")
    sys.stderr.write("on the other one\n")


@program
def input_is_empty():
    print(asked(read_input))


def read_input(queue):
    try:
        queue.put((sys.stdin.read(), sys.stdin.fileno() >= 0))
    except Exception as error:
        queue.put(repr(error))


@program
def threads_of_a_child():
    print(asked(leave_a_thread))


def leave_a_thread(queue):
    import threading

    def late():
        event.wait(30)
        queue.put("from the thread")

    event = threading.Event()
    threading.Thread(target=late).start()
    event.set()


@program
def functions_at_the_end():
    print(ended(register_at_end))


def register_at_end():
    import atexit
    from multiprocessing import util

    atexit.register(print, "atexit is not called", flush=True)
    util.Finalize(None, print, ("finalizer", "late"), {"flush": True}, exitpriority=1)
    util.Finalize(None, print, ("finalizer", "early"), {"flush": True}, exitpriority=10)


@program
def processors():
    print(mp.cpu_count() == os.cpu_count(), mp.freeze_support())
    show(mp.cpu_count, 1)


if __name__ == "__main__":
    run_programs()
