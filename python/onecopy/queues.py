"""Queues: one message for each put, any number of putters and getters, no thread in between.

`put` and `get` are the engine's own functions, found on the class before stock's, so that a
temporary handed to `put` is still one when the engine sees it. An object is pickled where it is
put, and what cannot be pickled raises there. The classes derive from those of
multiprocessing.queues, and have the attributes of theirs that other packages reach for (`_reader`,
`_writer`, `_rlock`).
"""

from __future__ import annotations

import os
import threading
from collections import deque
from multiprocessing import queues as _stock
from multiprocessing.context import get_spawning_popen
from multiprocessing.reduction import DupFd, ForkingPickler
from queue import Empty, Full

from . import _engine, _family, _names
from ._handover import Handover

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.context import BaseContext
    from typing import Any, Callable, NoReturn

    from ._lines import Lines

__all__ = ["Queue", "SimpleQueue", "JoinableQueue"]

__getattr__ = _names.names_of(_stock, __name__)


def _refuse(error: type[Exception], text: str) -> Callable[..., NoReturn]:
    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise error(text)

    return refuse


class _ReadLock:
    """Stands for stock's lock on the reading end. Whoever holds it reads by polling first, so a
    message that was seen is kept here until it is received."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.acquire = self._lock.acquire
        self.release = self._lock.release
        self.locked = self._lock.locked
        self.seen: deque[Any] = deque()

    def __enter__(self) -> bool:
        return self._lock.__enter__()

    def __exit__(self, *exception: object) -> None:
        self._lock.release()


class _QueueEnd:
    """What the two ends of a queue have in common with connections."""

    __slots__ = ("_queue",)

    def __init__(self, queue: _QueueBase) -> None:
        self._queue = queue

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._queue is self._queue

    def __hash__(self) -> int:
        return hash((type(self), id(self._queue)))

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        raise NotImplementedError


def _existing(descriptor: int) -> int:
    if descriptor < 0:
        raise OSError("a queue that was found by its name has no descriptor to be watched by")
    return descriptor


class QueueReader(_QueueEnd):
    """The receiving end of a queue, as `queue._reader` gives it: made anew each time, so that a
    queue does not refer to itself."""

    __slots__ = ()
    readable = True
    writable = False

    @property
    def closed(self) -> bool:
        return self._queue._reader_closed

    def close(self) -> None:
        """This process receives no more: a get raises OSError."""
        self._queue._close_reader()

    def fileno(self) -> int:
        """A descriptor that is readable exactly while a message waits; the message is not in it.
        OSError: the queue was found by its name, and has none here."""
        self._check_open()
        return _existing(self._queue._bell())

    def poll(self, timeout: float | None = 0.0) -> bool:
        """Whether a message waits, or comes within `timeout` seconds (None: whenever it comes)."""
        self._check_open()
        queue, lock = self._queue, self._queue._rlock
        if lock.seen:
            return True
        if not lock.locked():
            return queue._poll(timeout)
        try:
            message = queue.get(timeout is None or timeout > 0, timeout)
        except Empty:
            return False
        lock.seen.append(message)
        queue._get_seen_first()
        return True

    @property
    def recv(self) -> Callable[[], Any]:
        """Receive the next object."""
        return self._queue.get

    def recv_bytes(self, maxlength: int | None = None) -> bytes:
        """The next object, pickled."""
        data = bytes(ForkingPickler.dumps(self._queue.get()))
        if maxlength is not None and len(data) > maxlength:
            raise OSError("bad message length")
        return data

    def _check_open(self) -> None:
        if self._queue._reader_closed:
            raise OSError("handle is closed")

    def __reduce__(self) -> tuple[Any, ...]:
        return QueueReader, (self._queue,)


class QueueWriter(_QueueEnd):
    """The sending end of a queue, as `queue._writer` gives it."""

    __slots__ = ()
    readable = False
    writable = True

    @property
    def closed(self) -> bool:
        return self._queue._writer_closed

    def close(self) -> None:
        """This process sends no more: a put raises OSError."""
        self._queue._close_writer()

    def fileno(self) -> int:
        """A descriptor that is always writable; what is written to it is no message."""
        if self._queue._writer_closed:
            raise OSError("handle is closed")
        return _existing(*self._queue._descriptors()[:1] or (-1,))

    @property
    def send(self) -> Callable[[Any], None]:
        """Put an object."""
        return self._queue.put

    def send_bytes(self, buf: Any, offset: int = 0, size: int | None = None) -> None:
        """Put the object whose pickle `buf` is, from `offset` on, `size` bytes long."""
        data = memoryview(buf).cast("B")
        self._queue.put(
            ForkingPickler.loads(data[offset : None if size is None else offset + size])
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return QueueWriter, (self._queue,)


class _Made:
    """An attribute that is made by `make` when first asked for, and may be replaced.

    `keep` tells whether it then belongs to the instance.
    """

    def __init__(self, make: Callable[[Any], Any], keep: bool = False) -> None:
        self._make = make
        self._keep = keep

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        made = self._make(instance)
        if self._keep:
            made = instance.__dict__.setdefault(self._name, made)
        return made


class _QueueBase(_engine.Queue):
    """What the three kinds of queue share. A closed way in or out is closed by an attribute of the
    instance, which hides the engine's function and costs an open queue nothing."""

    _closed = False
    _reader_closed = False
    _writer_closed = False

    _reader = _Made(QueueReader)
    _writer = _Made(QueueWriter)
    # Those who wait in event loops, to get and to put.
    _getting = _Made(lambda queue: {}, keep=True)
    _putting = _Made(lambda queue: {}, keep=True)
    _rlock = _Made(lambda queue: _ReadLock(), keep=True)
    _wlock = _Made(lambda queue: threading.Lock(), keep=True)

    def __init__(self, maxsize: int = 0) -> None:
        _family.join()
        super().__init__(0 if maxsize <= 0 else maxsize)

    def _close_reader(self) -> None:
        if not self._reader_closed:
            self._reader_closed = True
            refuse = _refuse(OSError, "handle is closed")
            self.__dict__.update(get=refuse, get_nowait=refuse, empty=refuse)
            _end(self._getting)

    def _close_writer(self) -> None:
        if not self._writer_closed:
            self._writer_closed = True
            self._refuse_puts(_refuse(OSError, "handle is closed"))

    def _refuse_puts(self, refuse: Callable[..., NoReturn]) -> None:
        self.__dict__.update(put=refuse, put_nowait=refuse, put_async=refuse, _put_envelope=refuse)
        _end(self._putting)

    async def get_async(self) -> Any:
        """Take the next object, and let the event loop go on until there is one.

        Of several that wait in a loop the first gets the next object. Cancelled before it has
        returned, it has taken none. Raises what `get` raises, but for queue.Empty; OSError where no
        descriptors are left to wait by, RuntimeError where it must wait outside of asyncio's loops.
        """
        if not self._getting:
            try:
                return self.get(False)
            except Empty:
                pass
        from ._lines import in_line

        # Looked up at each attempt: closing the queue puts something else in its place.
        return await in_line(
            self._getting, self._bell, self._has_name, self._poll, lambda: self.get(False)
        )

    async def _deliver(self, envelope: _engine.Envelope) -> None:
        """What `put_async` gives to be awaited."""
        if not self._putting:
            try:
                return self._put_envelope(envelope)
            except Full:
                pass
        from ._lines import in_line

        await in_line(
            self._putting,
            self._room_bell,
            self._has_name,
            self._has_room,
            lambda: self._put_envelope(envelope),
        )

    def _get_seen_first(self) -> None:
        """Lets a get of this process find what was seen under the read lock."""
        if "get" in self.__dict__:
            return
        seen, get = self._rlock.seen, self.get

        def get_seen_first(block: bool = True, timeout: float | None = None) -> Any:
            try:
                return seen.popleft()
            except IndexError:
                return get(block, timeout)

        self.__dict__["get"] = get_seen_first

    def __getstate__(self) -> tuple[Any, ...]:
        _family.check_travels(type(self).__name__)
        name = self._name()
        if _engine.is_pickling_message():
            kept = _engine.Queue.__new__(_engine.Queue)
            kept._open(*name, *map(os.dup, self._descriptors()))
            return None, *name, Handover(kept._descriptors(), kept._close)
        place = _family.Place.of(get_spawning_popen())
        self._hold_for(place.slot)
        return place, *name, *map(DupFd, self._descriptors())

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _place, index, generation, *bells = state
        if bells and isinstance(bells[0], Handover):
            bells[0].open(lambda *numbers: self._open(index, generation, *numbers))
        else:
            self._open(index, generation, *(bell.detach() for bell in bells))


def _end(lines: Lines) -> None:
    """Whoever waits there finds the queue closed."""
    for line in list(lines.values()):
        line.end()


class Queue(_QueueBase, _stock.Queue):  # type: ignore[misc, type-arg]
    """A queue with the methods of queue.Queue but for `task_done` and `join`.

    `put` raises queue.Full, `get` queue.Empty; both raise ValueError once this process has closed
    the queue. What was put stays to be got after its putter has closed the queue or ended.
    """

    _ignore_epipe = False

    def __init__(self, maxsize: int = 0, *, ctx: BaseContext) -> None:
        super().__init__(maxsize)

    def close(self) -> None:
        """This process puts and gets no more."""
        if not self._closed:
            self._closed = True
            refuse = _refuse(ValueError, f"Queue {self!r} is closed")
            self.__dict__.update(get=refuse, get_nowait=refuse)
            self._refuse_puts(refuse)
            _end(self._getting)
            if not self.empty():  # stock closes its pipe, too, where there was something to send
                self.__dict__["empty"] = _refuse(OSError, "handle is closed")

    def join_thread(self) -> None:
        """Nothing to wait for: what was put is in the queue. AssertionError before `close`."""
        assert self._closed, f"Queue {self!r} not closed"

    def cancel_join_thread(self) -> None:
        """Nothing to cancel: no process waits for a queue when it ends."""


class JoinableQueue(Queue, _stock.JoinableQueue):  # type: ignore[misc, type-arg]
    """A queue that counts the items put and not yet reported done."""

    def task_done(self) -> None:
        """Reports one item that was got as done. ValueError: more often than items were put."""
        self._task_done()

    def join(self) -> None:
        """Waits until every item put has been reported done."""
        self._join()


class SimpleQueue(_QueueBase, _stock.SimpleQueue):  # type: ignore[misc, type-arg]
    """A queue with `put`, `get`, `empty` and `close`."""

    def __init__(self, *, ctx: BaseContext) -> None:
        super().__init__()

    def close(self) -> None:
        """Gives up this process's handle: every later call raises OSError."""
        self._close_reader()
        self._close_writer()
        self._close()
