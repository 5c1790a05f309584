"""How a file of programs runs them one after the other, and says what each of them showed:

    python FILE METHOD

A program is a function that prints. What it printed stands between a line with its name and a line
that says that it ended; what came on stderr meanwhile, tracebacks apart, stands there too. Nothing
that a program prints depends on timing.
"""

import contextlib
import faulthandler
import itertools
import multiprocessing as mp
import os
import signal
import sys
import tempfile

BEGIN = "=== "
END = "--- ended"

# Seconds after which a program counts as hanging, and the file ends with a traceback.
PATIENCE = 40

_programs = []


def program(function):
    """Makes a function one of the programs of its file."""
    _programs.append(function)
    return function


def differs(title, shown):
    """Makes a function a program that shows something else under Onecopy, on purpose: `shown`, for
    the reason that docs/differences.md gives under `title`."""
    return program


def show(call, *arguments, **keywords):
    """Prints what a call gives, or what it raises."""
    try:
        print(call(*arguments, **keywords))
    except Exception as error:
        print(raised(error))


def raised(error):
    """An exception as a line. What a TypeError says of wrong arguments is about the function that
    noticed them, and changes from one version of Python to the next; so does OverflowError."""
    text = str(error)
    if isinstance(error, TypeError) and "pickle" not in text:
        return "TypeError"
    if isinstance(error, OverflowError) and " int" in text:
        return "OverflowError"
    return f"{type(error).__name__}: {text}"


def run_programs():
    method = sys.argv[1]
    mp.set_start_method(method)
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    with open(os.dup(2), "wb") as terminal, tempfile.TemporaryFile() as errors:
        # Kills after the traceback, whatever the interpreter is doing.
        faulthandler.register(signal.SIGALRM, terminal, all_threads=True, chain=True)
        os.dup2(errors.fileno(), 2)
        try:
            for function in _programs:
                run(function, errors)
        finally:
            signal.alarm(0)
            os.dup2(terminal.fileno(), 2)
            faulthandler.unregister(signal.SIGALRM)


def run(function, errors):
    signal.alarm(PATIENCE)
    # Processes are named by their number: each program begins anew.
    sys.modules["multiprocessing.process"]._process_counter = itertools.count(1)
    before = os.fstat(errors.fileno()).st_size
    print(BEGIN + function.__name__)
    try:
        function()
    except Exception as error:
        print("raised", raised(error))
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    said = os.pread(errors.fileno(), 1_000_000, before).decode(errors="replace")
    for line in said.splitlines():
        if line and not line.startswith((" ", "Traceback", "The above", "During handling")):
            print("stderr:", line)
    print(END)
