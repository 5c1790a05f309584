"""Whichever way a program comes by the names, and whoever imports first, they are Onecopy's."""

import pytest

BODY = """
def square(number): return number * number
def child(queue, end):
    queue.put(end.recv() + 1)
if __name__ == "__main__":
    import sys
    queue, (ours, theirs) = Queue(), Pipe()
    process = Process(target=child, args=(queue, theirs))
    process.start()
    ours.send(6)
    print(queue.get(), type(queue).__module__, type(ours).__module__)
    process.join()
    with Pool(2) as pool:
        # Stock's class is one over queues of the engine.
        way = type(getattr(pool, "_inqueue", pool)).__module__
        print(pool.map(square, [1, 2, 3]), way.partition(".")[0])
"""

SHOWN = "7 onecopy.queues onecopy.connection\n[1, 4, 9] onecopy\n"

STATEMENTS = {
    "names of the package": "from multiprocessing import Pipe, Pool, Process, Queue",
    "everything of the package": "from multiprocessing import *",
    "names of its modules": """
from multiprocessing.pool import Pool
from multiprocessing.connection import Pipe
from multiprocessing.context import Process
from multiprocessing import Queue
""",
    "its modules": """
import multiprocessing.pool, multiprocessing.connection, multiprocessing.queues
Pool, Pipe = multiprocessing.pool.Pool, multiprocessing.connection.Pipe
Process, Queue = multiprocessing.Process, multiprocessing.Queue
""",
    "a context": """
import multiprocessing
context = multiprocessing.get_context()
Pipe, Pool, Process, Queue = context.Pipe, context.Pool, context.Process, context.Queue
""",
    "in a function": """
def names():
    from multiprocessing import Pipe, Pool, Process, Queue
    return Pipe, Pool, Process, Queue
Pipe, Pool, Process, Queue = names()
""",
    "a library": "from library import *",
    "a library before onecopy": "from library import *\nimport onecopy",
    "a library after onecopy": "import onecopy\nfrom library import *",
    "onecopy after a library": "import library\nfrom onecopy import *",
    "onecopy before a library": "from onecopy import *\nimport library",
}


@pytest.fixture
def library(program):
    """A module of somebody else's, which takes its names when it is imported."""
    program("from multiprocessing import Pipe, Pool, Process, Queue", "library.py")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_under_onecopy_run(onecopy, program, library, statement, method):
    outcome = onecopy("run", "--start", method, program(statement + BODY))

    assert (outcome.stdout, outcome.stderr, outcome.code) == (SHOWN, "", 0), outcome


@pytest.mark.parametrize("order", ["onecopy after a library", "onecopy before a library"])
def test_without_it_a_library_stays_on_stock_and_works_beside(python, program, library, order):
    """...with the program's queues in the library's processes, and the other way round."""
    text = """
def put(queue, word): queue.put(word)
if __name__ == "__main__":
    queues = Queue(), library.Queue()
    for kind in (Process, library.Process):
        for queue in queues:
            process = kind(target=put, args=(queue, kind.__module__))
            process.start()
            print(type(queue).__module__, queue.get())
            process.join()
    with Pool(1) as ours, library.Pool(1) as theirs:
        print(ours.map(abs, [-1]), theirs.map(abs, [-2]))
"""
    outcome = python(program(STATEMENTS[order] + text))

    assert outcome.stdout.splitlines() == [
        "onecopy.queues onecopy.context",
        "multiprocessing.queues onecopy.context",
        "onecopy.queues multiprocessing.context",
        "multiprocessing.queues multiprocessing.context",
        "[1] [2]",
    ], outcome
