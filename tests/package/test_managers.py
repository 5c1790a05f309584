"""Managers over Onecopy's connections: stock's objects and proxies, whoever calls and whoever
dies."""

import subprocess
import sys

import pytest

from .conftest import run

PRELUDE = """
    import os
    import signal
    import sys
    import threading
    import onecopy as mp
    from multiprocessing import managers as stock_managers
    from onecopy.managers import BaseManager, SharedMemoryManager

    def carrier(proxy):
        proxy._callmethod("__len__")
        return type(proxy._tls.connection._pipe).__name__

    def set_and_tell(shared, key, value):
        shared[key] = value
        print(carrier(shared), flush=True)

    def start(target, *args):
        process = mp.Process(target=target, args=args)
        process.start()
        return process
"""


@pytest.fixture
def managing(python, method):
    """Runs a main block, with the start method set and a manager that is `manager`."""

    def manage(main, functions=""):
        head = '\n    if __name__ == "__main__":\n        mp.set_start_method(sys.argv[1])\n'
        return python(PRELUDE + functions + head + main, method)

    return manage


def test_everybody_in_the_family_talks_over_a_pipe(managing):
    outcome = managing(
        """
        with mp.Manager() as manager:
            shared = manager.dict()
            print(type(shared) is stock_managers.DictProxy, carrier(shared), flush=True)
            process = start(set_and_tell, shared, "key", [1, 2])
            process.join()
            print(shared)
        """
    )
    assert outcome.stdout == "True PipeEnd\nPipeEnd\n{'key': [1, 2]}\n", outcome


def test_a_large_array_lies_in_shared_memory(managing):
    outcome = managing(
        """
        import numpy as np
        with mp.Manager() as manager:
            shared = manager.dict()
            shared["array"] = np.arange(1_000_000.0)
            server = [each for each in mp.memory()["members"] if each["pid"] != os.getpid()]
            print([each["bytes"] >= 8_000_000 for each in server if each["bytes"]])
            array = shared["array"]
            array[0] = -1
            print(array.sum() - shared["array"].sum())
        """
    )
    assert outcome.stdout == "[True]\n-1.0\n", outcome


def test_managers_of_ones_own(managing):
    outcome = managing(
        """
        with Own() as manager:
            counter = manager.Counter(5)
            process = start(print, counter)
            process.join()
            print(counter.count(), counter.history(), type(counter).__name__)
            print(manager._number_of_objects())
            del counter, process
            print(manager._number_of_objects())
            try:
                manager.Counter(0).fail()
            except LookupError as error:
                print(error)
        """,
        """
    class Counter:
        def __init__(self, number):
            self.number = number
            self.numbers = [number]

        def count(self):
            self.number += 1
            self.numbers.append(self.number)
            return self.number

        def history(self):
            return self.numbers

        def fail(self):
            raise LookupError("in the server")

        def __repr__(self):
            return f"a counter at {self.number}"

    class Own(BaseManager):
        pass

    Own.register("Counter", Counter)
""",
    )
    assert outcome.stdout == (
        "a counter at 5\n6 [5, 6] AutoProxy[Counter]\n1\n0\nin the server\n"
    ), outcome


def test_a_killed_client_leaves_the_server_alive(managing):
    outcome = managing(
        """
        with mp.Manager() as manager:
            shared = manager.dict()
            processes = [start(set_for_ever, shared, number) for number in range(3)]
            while len(shared) < 3:
                pass
            for process in processes:
                process.kill()
                process.join()
            shared["after"] = True
            print(sorted(map(str, shared.keys())))
        """,
        """
    def set_for_ever(shared, number):
        while True:
            shared[number] = bytes(100_000)
""",
    )
    assert outcome.stdout == "['0', '1', '2', 'after']\n", outcome


def test_a_killed_server_ends_the_calls_of_all(managing):
    outcome = managing(
        """
        manager = mp.Manager()
        told, empty = manager.Queue(), manager.Queue()
        process = start(wait_for_ever, told, empty)
        print(told.get(), flush=True)
        manager._process.kill()
        process.join()
        try:
            told.qsize()
        except (EOFError, ConnectionError) as error:
            print("the end")
        """,
        """
    def wait_for_ever(told, empty):
        told.put("waiting")
        try:
            empty.get()
        except (EOFError, ConnectionError):
            print("the end", flush=True)
""",
    )
    assert outcome.stdout == "waiting\nthe end\nthe end\n", outcome


def test_an_interrupted_call(managing):
    outcome = managing(
        """
        with mp.Manager() as manager:
            queue = manager.Queue()
            try:
                threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
                queue.get()
            except KeyboardInterrupt:
                print("interrupted")
        """
    )
    assert outcome.stdout == "interrupted\n", outcome
    assert "Traceback" not in outcome.stderr


def test_threads_of_one_process(managing):
    outcome = managing(
        """
        with mp.Manager() as manager:
            shared = manager.list()
            threads = [threading.Thread(target=append, args=(shared,)) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            print(len(shared))
        """,
        """
    def append(shared):
        for number in range(100):
            shared.append(number)
""",
    )
    assert outcome.stdout == "400\n", outcome


def test_shared_memory(managing):
    outcome = managing(
        """
        with SharedMemoryManager() as manager:
            shared = manager.ShareableList([1, "two"])
            segment = manager.SharedMemory(100)
            print(list(shared), segment.size >= 100)
        """
    )
    assert outcome.stdout == "[1, 'two'] True\n", outcome


def test_a_program_under_onecopy_run(program, method):
    path = program(
        """
        import multiprocessing as mp
        import sys
        from multiprocessing.managers import BaseManager, DictProxy

        class Own(BaseManager):
            pass

        Own.register("table", dict, DictProxy)

        def tell(shared):
            shared["child"] = 1
            print(type(shared._tls.connection._pipe).__name__, flush=True)

        if __name__ == "__main__":
            mp.set_start_method(sys.argv[1])
            with Own() as own, mp.Manager() as manager:
                for shared in (own.table(), manager.dict()):
                    process = mp.Process(target=tell, args=(shared,))
                    process.start()
                    process.join()
                    tell(shared)
        """
    )
    words = [sys.executable, "-m", "onecopy.command", "run", path, method]
    outcome = run(words)
    assert outcome.stdout == "PipeEnd\n" * 4, outcome


def test_stocks_own_manager_stays_on_sockets(managing):
    """Both can be used side by side after `import onecopy`."""
    outcome = managing(
        """
        import multiprocessing
        with multiprocessing.Manager() as manager:
            shared = manager.dict(a=1)
            print(carrier(shared), shared)
        """
    )
    assert outcome.stdout == "NoneType {'a': 1}\n", outcome


SERVER = """
    import sys
    if sys.argv[1] == "onecopy":
        from onecopy import _family
        from onecopy.managers import BaseManager, DictProxy
        _family.join()
    else:
        from multiprocessing.managers import BaseManager, DictProxy

    class Table(BaseManager):
        pass

    table = {}
    Table.register("table", lambda: table, DictProxy)

    if __name__ == "__main__":
        server = Table(("127.0.0.1", 0), b"a key").get_server()
        print(server.address[1], flush=True)
        server.serve_forever()
"""

CLIENT = """
    import sys
    if sys.argv[1] == "onecopy":
        from onecopy import _family
        from onecopy.managers import BaseManager
        _family.join()
    else:
        from multiprocessing.managers import BaseManager

    class Table(BaseManager):
        pass

    Table.register("table")

    if __name__ == "__main__":
        manager = Table(("127.0.0.1", int(sys.argv[2])), b"a key")
        manager.connect()
        manager.table().update({"from": sys.argv[1]})
        print(manager.table().get("from"), "onecopy" in sys.modules)
"""


@pytest.mark.parametrize(
    ("server", "client"), [("onecopy", "stock"), ("stock", "onecopy"), ("onecopy", "onecopy")]
)
def test_programs_of_two_families(program, python, server, client):
    words = [sys.executable, program(SERVER, "server.py"), server]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as serving:
        outcome = python(CLIENT, client, serving.stdout.readline().strip())
        serving.kill()
    assert outcome.stdout == f"{client} {client == 'onecopy'}\n", outcome
