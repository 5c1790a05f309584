"""What a person looks into processes with: tracing, profiling, the debugger, the log."""

import cProfile
import io
import logging
import multiprocessing as mp
import pdb
import pstats
import sys
import threading
from multiprocessing import util

from telling import program, run_programs

_marks = []


def add_up(numbers):
    total = 0
    for number in numbers:
        total += number
    return total


def in_child(function, *arguments):
    child = mp.Process(target=function, args=arguments)
    child.start()
    child.join()
    print("exit code", child.exitcode)


def trace_lines(frame, event, _):
    if frame.f_code.co_name != add_up.__name__:
        return None
    _marks.append((event, frame.f_lineno - frame.f_code.co_firstlineno))
    return trace_lines


def traced(queue):
    sys.settrace(trace_lines)
    add_up([1, 2])
    sys.settrace(None)
    queue.put(_marks)


@program
def a_trace_function_in_a_child():
    queue = mp.SimpleQueue()
    in_child(traced, queue)
    print(queue.get())


def traced_in_thread(queue):
    threading.settrace(trace_lines)
    thread = threading.Thread(target=add_up, args=([3],))
    thread.start()
    thread.join()
    threading.settrace(None)
    queue.put(_marks)


@program
def a_trace_function_in_a_thread_of_a_child():
    queue = mp.SimpleQueue()
    in_child(traced_in_thread, queue)
    print(queue.get())


def note_calls(frame, event, _):
    if frame.f_code.co_name == add_up.__name__:
        _marks.append(event)


def profiled_in_thread(queue):
    threading.setprofile(note_calls)
    thread = threading.Thread(target=add_up, args=([3],))
    thread.start()
    thread.join()
    threading.setprofile(None)
    queue.put(_marks)


@program
def a_profile_function_in_a_thread_of_a_child():
    queue = mp.SimpleQueue()
    in_child(profiled_in_thread, queue)
    print(queue.get())


def profiled(queue):
    profile = cProfile.Profile()
    profile.runcall(add_up, [1, 2, 3])
    for (_, _, name), (calls, *_) in pstats.Stats(profile).stats.items():
        if name == add_up.__name__:
            queue.put((name, calls))


@program
def a_profile_in_a_child():
    queue = mp.SimpleQueue()
    in_child(profiled, queue)
    print(queue.get())


def profiled_all_along(queue):
    """The profiler of the parent goes on in a child that is forked."""
    queue.put(sys.getprofile() is not None)


@program
def a_child_started_under_a_profile():
    queue = mp.SimpleQueue()
    profile = cProfile.Profile()
    profile.enable()
    in_child(profiled_all_along, queue)
    profile.disable()
    print(queue.get())


def debugged(queue, commands):
    said = io.StringIO()
    debugger = pdb.Pdb(stdin=io.StringIO(commands), stdout=said, nosigint=True, readrc=False)
    debugger.use_rawinput = False
    total = debugger.runcall(add_up, [1, 2])
    queue.put((total, [line for line in said.getvalue().splitlines() if __file__ not in line]))


@program
def the_debugger_in_a_child():
    queue = mp.SimpleQueue()
    in_child(debugged, queue, "next\nnext\np total, numbers\ncontinue\n")
    print(queue.get())


def logged_lines(function):
    """What the log of the parent says meanwhile."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setFormatter(logging.Formatter(util.DEFAULT_LOGGING_FORMAT))
    logger = mp.get_logger()
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        function()
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    print(said.getvalue(), end="")


@program
def the_log_has_the_name_of_the_process():
    logged_lines(lambda: mp.get_logger().warning("here"))


def log_here(level):
    logger = mp.log_to_stderr(level)
    logger.info("working")
    util.info("as %s does", "multiprocessing")


@program
def a_child_logs_to_stderr():
    in_child(log_here, logging.INFO)
    in_child(log_here, logging.WARNING)


def fail():
    raise ValueError("on purpose")


@program
def the_log_of_a_child_that_fails():
    in_child(fail)


@program
def the_levels_of_the_log():
    logger = mp.get_logger()
    print(logger.name, logger.level, logger.propagate)
    print(util.SUBDEBUG, util.SUBWARNING, logging.getLevelName(5), logging.getLevelName(25))


if __name__ == "__main__":
    run_programs()
