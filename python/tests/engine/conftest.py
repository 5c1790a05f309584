"""What the tests of the engine's Python face share: a pickler, children, a leak check."""

import gc
import os
import pickle
import signal
import sys
import threading
import time
import traceback

import pytest

from onecopy import _engine


def plain_dump(obj, sink):
    pickle.Pickler(sink, 5, buffer_callback=sink.take_buffer).dump(obj)


def plain_dumps(obj):
    return pickle.dumps(obj, 5)


@pytest.fixture(scope="package", autouse=True)
def plain_pickler():
    """The engine on its own, with nothing but pickle beside it."""
    _engine.join_family()
    _engine.set_pickler(plain_dump, plain_dumps, pickle.loads)
    yield
    package_pickler = sys.modules.get("onecopy._pickler")
    if package_pickler is not None:
        _engine.set_pickler(package_pickler.dump, package_pickler.dumps, package_pickler.loads)


@pytest.fixture(autouse=True)
def nothing_leaks():
    """Whatever a test did, the arena holds afterwards what it held before."""
    before = _engine.memory()["blocks_in_use"]
    yield
    if _engine.memory()["blocks_in_use"] > before:
        gc.collect()
        _engine.reclaim_dead()
    assert _engine.memory()["blocks_in_use"] <= before


# Seconds after which a child that its test left waiting is ended.
PATIENCE = 30


class Child:
    """A forked child that runs `function`; it ends with 0 where that returned."""

    def __init__(self, function):
        self.exit_code = None
        self.was_killed = False
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                signal.signal(signal.SIGINT, signal.default_int_handler)
                function()
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)

    def kill(self):
        self.was_killed = True
        os.kill(self.pid, signal.SIGKILL)

    def join(self):
        if self.exit_code is None:
            _, status = os.waitpid(self.pid, 0)
            self.exit_code = os.waitstatus_to_exitcode(status)
        return self.exit_code

    def end(self):
        """Joins it; one that a failed test left waiting is killed, so that it holds nobody up."""
        watchdog = threading.Timer(PATIENCE, os.kill, (self.pid, signal.SIGKILL))
        watchdog.start()
        try:
            return self.join()
        finally:
            watchdog.cancel()


@pytest.fixture
def fork():
    """Starts children; each that was not killed must have ended well by the end of the test."""
    children = []

    def start(function):
        children.append(Child(function))
        return children[-1]

    yield start
    ends = [child.end() for child in children]
    assert all(code == 0 or child.was_killed for child, code in zip(children, ends))


@pytest.fixture
def queue():
    queue = _engine.Queue()
    yield queue
    queue._close()


@pytest.fixture
def pipe():
    ends = _engine.Connection._pair(_engine.Connection, True)
    yield ends
    for end in ends:
        end.close()


@pytest.fixture
def counted():
    """The rise of a figure of trace() since the fixture was set up."""
    before = _engine.trace()
    return lambda name: _engine.trace()[name] - before[name]


def wait_until(condition):
    """Waits for what others will bring about; the time-out of the test limits it."""
    while not condition():
        time.sleep(0.001)
