"""The loop of a forkserver's template, which forks the next child ahead of being asked for it.

Forking takes most of the time that a child needs to be there. So where children are started again
and again one is kept waiting, the *spare*: it gets what a child gets, when somebody asks, and a
death before or after that is a child's. It is nobody until then.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # whose handlers are not made an enum first
import atexit
import contextlib
import errno
import os
import select
import signal
import socket
import sys
from multiprocessing import forkserver, reduction, resource_tracker, spawn, util

from . import _birth, _engine, _signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

# Since 3.13 a child's finalizers run by atexit, and no longer at the end of its bootstrap.
_ENDS_BY_ATEXIT = sys.version_info >= (3, 13)

_stock: Any = forkserver
_stock_util: Any = util
_set_handler: Any = _signal.signal


class _Spare:
    """A child that waits for its task, as its template has it."""

    def __init__(self, pid: int, line: socket.socket) -> None:
        self.pid = pid
        self.line = line

    def give(self, descriptors: list[int]) -> bool:
        """False where it is gone."""
        with self.line:
            try:
                reduction.sendfds(self.line, descriptors)
            except OSError:
                return False
        return True

    def end(self) -> None:
        """Whatever it is at: a function of a preloaded module may hold it up after the fork."""
        self.line.close()
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)


class Server:
    """Stock's protocol: who asks sends descriptors, and is told the process id and exit code."""

    def __init__(self, listener: int, alive: int) -> None:
        self._listener = socket.socket(socket.AF_UNIX, fileno=listener)
        self._alive = alive
        self._told: dict[int, int] = {}  # where the end of each child is told
        self._spare: _Spare | None = None
        self._children = 0
        self._wants_spare = False
        self._woken, self._waker = os.pipe()
        self._reserve = os.open(os.devnull, os.O_RDONLY)  # to be closed where there is no other
        self._old_handlers: dict[int, Any] = {}

    def serve(self) -> NoReturn:
        """Ends with SystemExit, when all who may ask are gone."""
        _stock_util._flush_std_streams()  # or each child would write it again
        _give_up_stdin()
        _birth.tell_of_crashes(_birth.crash_descriptor())  # and with this process each child
        _stock._forkserver._forkserver_address = self._listener.getsockname()
        for end in (self._woken, self._waker):
            os.set_blocking(end, False)
        self._old_handlers = {
            signal.SIGCHLD: _set_handler(signal.SIGCHLD, lambda *_: None),
            signal.SIGINT: _set_handler(signal.SIGINT, _signal.SIG_IGN),
        }
        signal.set_wakeup_fd(self._waker)
        poll = select.poll()
        for descriptor in (self._listener.fileno(), self._alive, self._woken):
            poll.register(descriptor, select.POLLIN)
        while True:
            patience = 0 if self._may_fork_spare() else None
            ready = {descriptor for descriptor, _ in poll.poll(patience)}
            if self._alive in ready:
                self._close()
                raise SystemExit
            if self._woken in ready:
                os.read(self._woken, 65536)
                self._collect()
            if self._listener.fileno() in ready:
                self._answer()
            elif not ready:
                self._fork_spare()

    def _close(self) -> None:
        self._listener.close()
        if self._spare is not None:
            self._spare.end()

    def _may_fork_spare(self) -> bool:
        # One that were a member would have a place in the family before it is anybody.
        return self._wants_spare and self._spare is None and not _engine.in_family()

    def _answer(self) -> None:
        try:
            connection = self._listener.accept()[0]
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._refuse()
            elif error.errno != errno.ECONNABORTED:
                raise
            return
        with connection:
            try:
                task, told, *rest = _receive(connection)
            except (EOFError, RuntimeError, AssertionError, ValueError, OSError):
                return  # it has gone, is not one of ours, or there is no room for its descriptors
        pid = self._child_for(task, rest, told)
        for descriptor in (task, *rest):
            os.close(descriptor)
        if pid is None:
            os.close(told)
            return
        self._children += 1
        self._wants_spare = self._children > 1  # many a program asks once
        with contextlib.suppress(BrokenPipeError):  # who asked is gone
            _stock.write_signed(told, pid)
        self._told[pid] = told

    def _refuse(self) -> None:
        """One who asks, where there is no room for the descriptors of a child."""
        os.close(self._reserve)
        with contextlib.suppress(OSError):
            self._listener.accept()[0].close()
        self._reserve = os.open(os.devnull, os.O_RDONLY)

    def _child_for(self, task: int, rest: list[int], told: int) -> int | None:
        """The process id; None where there can be no more processes, which is said on stderr: who
        asked meets the end of its line. Under stock the template ends, and with it its children."""
        spare, self._spare = self._spare, None
        if spare is not None and spare.give([task, *rest]):
            return spare.pid
        try:
            return self._fork(lambda _: (task, rest), told)
        except OSError:
            sys.excepthook(*sys.exc_info())
            return None

    def _fork_spare(self) -> None:
        """Not where that fails: another time, then."""
        self._wants_spare = False
        try:
            here, there = socket.socketpair()
        except OSError:
            return

        def wait(mask: Any) -> tuple[int, list[int]]:
            _signals.restore(mask)  # and ignored: it is no child yet
            here.close()
            with there:
                try:
                    task, *rest = _receive(there)
                except (EOFError, OSError):
                    os._exit(1)  # the template is gone
            return task, rest

        with there:
            try:
                self._spare = _Spare(self._fork(wait), here)
            except OSError:
                here.close()

    def _fork(self, task: Any, *unused: int) -> int:
        # A Ctrl-C that comes while the child is being born is the child's, which ignores it as long
        # as it is like its template.
        mask: Any = _signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        pid = -1
        try:
            pid = os.fork()
        finally:
            if pid != 0:
                _signals.restore(mask)
        if pid != 0:
            return pid
        code = 1
        try:
            if _ENDS_BY_ATEXIT:
                atexit._clear()
                atexit.register(_stock_util._exit_function)
            signal.set_wakeup_fd(-1)
            _set_handler(signal.SIGCHLD, self._old_handlers[signal.SIGCHLD])
            self._listener.close()
            own = self._alive, self._woken, self._waker, self._reserve
            unused = (*own, *self._told.values(), *unused)
            for descriptor in unused:
                os.close(descriptor)
            code = self._live(mask, *task(mask))
        except Exception:
            sys.excepthook(*sys.exc_info())
            sys.stderr.flush()
        finally:
            if _ENDS_BY_ATEXIT:
                atexit._run_exitfuncs()
            os._exit(code)

    def _live(self, mask: Any, task: int, inherited: list[int]) -> int:
        """Runs the process object that comes. Returns the exit code."""
        _set_handler(signal.SIGINT, self._old_handlers[signal.SIGINT])
        _signals.restore(mask)
        state = _stock._forkserver
        tracker: Any = resource_tracker._resource_tracker
        state._forkserver_alive_fd, tracker._fd, *state._inherited_fds = inherited
        code: int = spawn._main(task, os.dup(task))
        return code

    def _collect(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if self._spare is not None and pid == self._spare.pid:
                self._spare.line.close()
                self._spare = None
                continue
            told = self._told.pop(pid, None)
            if told is None:
                continue
            with contextlib.suppress(BrokenPipeError):
                _stock.write_signed(told, _exit_code(status))
            os.close(told)


def _receive(line: socket.socket) -> list[int]:
    return reduction.recvfds(line, _stock.MAXFDS_TO_SEND + 1)


def _give_up_stdin() -> None:
    """Here, and so in each child, which has nothing to read from it either."""
    stock: Any = util
    close = stock._close_stdin
    close()
    empty = sys.stdin

    def close_another() -> None:
        if sys.stdin is not empty:
            close()

    stock._close_stdin = close_another


def _exit_code(status: int) -> int:
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
