"""Ctrl-C in the middle of calls, other signals, and the end of the interpreter."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from .conftest import wait_until
from .tasks import sleeps

PRELUDE = """
import os, pickle, signal, sys, threading
from onecopy import _engine
from tasks import sleeps
def dump(obj, sink):
    pickle.Pickler(sink, 5, buffer_callback=sink.take_buffer).dump(obj)
_engine.join_family()
_engine.set_pickler(dump, pickle.dumps, pickle.loads)
queue = _engine.Queue()
full = _engine.Queue(1)
full.put(1)
left, right = _engine.Connection._pair(_engine.Connection, True)
def ready():
    os.write(1, b"ready\\n")
"""


def start(program):
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent,  # where a program given by -c finds modules first
    )


def interrupt_when_asleep(process):
    """Sends SIGINT once the program has said so and sleeps in its call."""
    assert process.stdout.readline() == "ready\n"
    wait_until(lambda: sleeps(process.pid))
    os.kill(process.pid, signal.SIGINT)


BLOCKING = {
    "get": "queue.get()",
    "get with a time-out": "queue.get(timeout=1000)",
    "put": "full.put(2)",
    "put of much": "full.put(bytes(10_000_000))",
    "recv": "left.recv()",
    "recv_bytes": "left.recv_bytes()",
    "poll": "left.poll(None)",
    "_poll": "queue._poll(1000)",
    "join": "full._join()",
    "wait_any": "_engine.wait_any([queue, left], None)",
    "send": "[left.send(bytes(1 << 20)) for _ in range(100)]",
}


@pytest.mark.parametrize("call", BLOCKING.values(), ids=BLOCKING.keys())
def test_ctrl_c_ends_a_blocking_call(call):
    process = start(
        f"""
        try:
            ready()
            {call}
        except KeyboardInterrupt:
            assert queue.empty() and full.qsize() == 1 and not left.poll()
            queue.put("still works")
            assert queue.get() == "still works"
            os._exit(42)
        """
    )
    interrupt_when_asleep(process)
    _, errors = process.communicate()
    assert (process.returncode, errors) == (42, "")


@pytest.mark.parametrize("call", BLOCKING.values(), ids=BLOCKING.keys())
def test_a_handler_that_does_not_raise_lets_the_call_go_on(call):
    process = start(
        f"""
        seen = []
        def handler(number, frame):
            seen.append(number)
            ready()
            if len(seen) == 5:
                raise SystemExit(42)
        signal.signal(signal.SIGINT, handler)
        ready()
        {call}
        """
    )
    for _ in range(5):
        interrupt_when_asleep(process)
    _, errors = process.communicate()
    assert (process.returncode, errors) == (42, "")


LARGE = {
    "bytes": "data = bytes(1 << 30)",
    "array": "import numpy; data = numpy.zeros(1 << 27)",
    "strided array": "import numpy; data = numpy.zeros((1 << 14, 1 << 13)).T[::-1]",
}


@pytest.mark.parametrize("data", LARGE.values(), ids=LARGE.keys())
def test_ctrl_c_ends_a_large_put_and_leaves_nothing(data):
    process = start(
        f"""
        {data}
        before = _engine.memory()["in_use"]
        def interrupt():
            while _engine.memory()["in_use"] <= before:
                pass
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt).start()
        try:
            queue.put(data)
        except KeyboardInterrupt:
            assert queue.empty()
            assert _engine.memory()["in_use"] == before
            os._exit(42)
        """
    )
    _, errors = process.communicate()
    assert (process.returncode, errors) == (42, "")


def test_a_storm_of_signals_loses_nothing():
    process = start(
        """
        hits = []
        signal.signal(signal.SIGALRM, lambda number, frame: hits.append(number))
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        pid = os.fork()
        if pid == 0:
            signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
            for i in range(20_000):
                queue.put(i)
                left.send(i)
            os._exit(0)
        for i in range(20_000):
            assert queue.get() == i
            assert right.recv() == i
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert os.waitpid(pid, 0)[1] == 0
        assert hits
        os._exit(42)
        """
    )
    _, errors = process.communicate()
    assert (process.returncode, errors) == (42, "")


# -- the end of the interpreter --------------------


@pytest.mark.parametrize("call", BLOCKING.values(), ids=BLOCKING.keys())
def test_the_interpreter_ends_while_a_daemon_thread_waits(call):
    process = start(
        f"""
        thread = threading.Thread(target=lambda: {call}, daemon=True)
        thread.start()
        while not sleeps(thread.native_id):
            pass
        """
    )
    _, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")


def test_arrays_outlive_the_module():
    process = start(
        """
        import numpy
        _engine.install_allocator()
        class Late:
            def __init__(self, *arrays):
                self.arrays = arrays
            def __del__(self, write=os.write):
                assert all(array[-1] == 1.0 for array in self.arrays)
                write(1, b"late\\n")
        queue.put(numpy.ones(100_000))
        received = queue.get()
        import types
        sys.modules["holder"] = types.ModuleType("holder")
        sys.modules["holder"].late = Late(received, numpy.ones(100_000), received[::1])
        queue.put(numpy.ones(100_000))
        never_freed = [queue.get()]
        never_freed.append(never_freed)
        """
    )
    output, errors = process.communicate()
    assert (process.returncode, output, errors) == (0, "late\n", "")


def test_a_queue_works_without_numpy_until_an_array_comes():
    process = start(
        """
        queue.put([1, "a", {1, 2}])
        queue.get()
        _engine.want_allocator()
        queue.put(1)
        queue.get()
        assert "numpy" not in sys.modules
        if os.fork() == 0:
            import numpy
            queue.put(numpy.arange(3))
            os._exit(0)
        assert queue.get().tolist() == [0, 1, 2]
        import numpy
        queue.put(numpy.arange(100_000) * 2)
        assert _engine.trace()["buffers_moved"] == (sys.version_info >= (3, 11))
        """
    )
    _, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize("call", ["queue.put(1)", "queue.get()", "left.send(1)", "right.recv()"])
def test_the_allocator_is_there_when_numpy_is(call):
    process = start(
        f"""
        queue.put(0)
        left.send(0)
        _engine.want_allocator()
        import numpy
        {call}
        queue.put(numpy.arange(100_000) * 2)
        assert _engine.trace()["buffers_moved"] == (sys.version_info >= (3, 11))
        """
    )
    _, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")


def test_the_allocator_without_numpy():
    process = start(
        """
        sys.modules["numpy"] = None
        assert _engine.install_allocator() is False
        _engine.want_allocator()
        queue.put([1.5] * 1000)
        assert queue.get() == [1.5] * 1000
        """
    )
    _, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
