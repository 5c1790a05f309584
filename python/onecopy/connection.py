"""Pipes between the processes of a family, and waiting on many things at once.

The ends that Pipe() gives pass `isinstance` against multiprocessing.connection.Connection, which is
also the Connection of this module: made from a descriptor, a Connection speaks stock's format to
whoever is at the other side, and so do Client and Listener, until they find that both sides are of
one family (_meeting.py).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from multiprocessing import connection as _stock
from multiprocessing.connection import Client, Connection
from multiprocessing.context import get_spawning_popen
from multiprocessing.reduction import DupFd

from . import _engine, _family, _meeting, _names
from ._handover import Handover
from .queues import QueueReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

__all__ = ["Client", "Listener", "Pipe", "wait"]

__getattr__ = _names.names_of(_stock, __name__)

_wait_for_descriptors: Callable[..., list[Any]] = _stock.wait


class PipeEnd(_engine.Connection, _stock.Connection):
    """One end of a pipe whose both ends are in the family."""

    def __reduce__(self) -> tuple[Any, ...]:
        descriptor = self._descriptor()  # OSError where this end is closed
        receive, send = self._names()
        popen = get_spawning_popen()
        if popen is not None:
            place = _family.Place.of(popen)
            self._hold_for(place.slot)
            return _open_inherited, (place, DupFd(descriptor), receive, send)
        kept = PipeEnd._open(os.dup(descriptor), receive, send)
        return _open_sent, (
            _family.identity(),
            Handover([kept._descriptor()], kept.close),
            receive,
            send,
        )


def _open_inherited(
    place: None,
    descriptor: _family.Detachable,
    receive: tuple[int, int] | None,
    send: tuple[int, int] | None,
) -> PipeEnd:
    return PipeEnd._open(descriptor.detach(), receive, send)


def _open_sent(
    family: tuple[int, int],
    handover: Handover,
    receive: tuple[int, int] | None,
    send: tuple[int, int] | None,
) -> PipeEnd:
    _family.join()
    if _family.identity() != family:
        raise OSError("this end of a pipe belongs to processes of another family")
    return handover.open(lambda descriptor: PipeEnd._open(descriptor, receive, send))


def Pipe(duplex: bool = True) -> tuple[Connection[Any, Any], Connection[Any, Any]]:
    """The two ends of a pipe; with `duplex` false the first only receives and the second only
    sends. Raises OSError (no descriptors left) or MemoryError (naming the limit)."""
    _family.join()
    ends: Any = PipeEnd._pair(PipeEnd, duplex)
    return ends  # type: ignore[no-any-return]


class Listener(_stock.Listener):
    """A socket, bound and listening. What it accepts speaks stock's format; with a key, and where
    the client is of this family, it goes through a pipe."""

    _listener: Any
    _authkey: bytes | None

    def accept(self) -> Connection[Any, Any]:
        """Waits for a client. Raises OSError where this is closed, and AuthenticationError."""
        if self._listener is None:
            raise OSError("listener is closed")
        accepted: Any = _meeting.Connection.of(self._listener.accept(), listens=True)
        # An empty key is one since Python 3.13.
        if self._authkey or (self._authkey is not None and sys.version_info >= (3, 13)):
            _meeting.deliver_challenge(accepted, self._authkey)
            _meeting.answer_challenge(accepted, self._authkey)
        return accepted  # type: ignore[no-any-return]


def wait(object_list: Iterable[Any], timeout: float | None = None) -> list[Any]:
    """Those of `object_list` that are ready, waiting at most `timeout` seconds for the first.

    Takes ends of pipes, connections, sockets, sentinels of processes, and descriptors as integers.
    Raises ValueError for anything else, KeyError for what is there twice, OSError for the closed.
    """
    objects = list(object_list)
    carriers = [_carrier_of(each) for each in objects]
    if not any(isinstance(each, (PipeEnd, QueueReader)) for each in carriers):
        return _wait_for_descriptors(objects, timeout)
    ready = _engine.wait_any(_waitables(carriers), timeout)
    return [objects[index] for index in ready]


def _carrier_of(each: Any) -> Any:
    """What the messages of a connection go through."""
    moved = isinstance(each, _meeting.Connection) and each._pipe is not None
    return each._pipe if moved else each


def _waitables(objects: list[Any]) -> list[Any]:
    """What the engine can wait for, in place of each object."""
    waitables: list[Any] = []
    seen = set()
    for each in objects:
        if isinstance(each, PipeEnd):
            waitable: Any = each
            key: Any = each.fileno()
        elif isinstance(each, QueueReader):
            each._check_open()
            waitable, key = each._queue, each
        else:
            waitable = key = _descriptor_of(each)
        if key in seen:
            raise KeyError(f"{each!r} (FD {key}) is already registered")
        seen.add(key)
        waitables.append(waitable)
    return waitables


def _descriptor_of(waitable: Any) -> int:
    if isinstance(waitable, int):
        descriptor = waitable
    else:
        try:
            descriptor = int(waitable.fileno())
        except (AttributeError, TypeError, ValueError):
            raise ValueError(f"Invalid file object: {waitable!r}") from None
    if descriptor < 0:
        raise ValueError(f"Invalid file descriptor: {descriptor}")
    return descriptor


_meeting.follow()
