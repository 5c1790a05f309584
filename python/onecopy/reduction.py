"""Stock's module, but descriptors are sent over a pipe of Onecopy as messages: its socket is for
sleeping on, and carries none of its data."""

from __future__ import annotations

import os
import select
import socket
import struct
from multiprocessing import reduction as _stock
from multiprocessing.reduction import (  # noqa: F401
    AbstractReducer,
    DupFd,
    ForkingPickler,
    dump,
    recvfds,
    register,
    sendfds,
)

from . import _names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = _stock.__all__

__getattr__ = _names.names_of(_stock, __name__)

# Kept, because install() puts the functions below in their place.
_stock_send_handle = _stock.send_handle
_stock_recv_handle = _stock.recv_handle


_RING = struct.pack("Q", 1)  # all that the engine writes into the socket: src/channel/bell.cpp
_SLICE = 50  # milliseconds; a sender that died may have left a message and not rung


def _is_ours(conn: Any) -> bool:
    return hasattr(conn, "_hold_for")


def send_handle(conn: Any, handle: int, destination_pid: int) -> None:
    """Sends a descriptor over a connection to another process of this machine."""
    if not _is_ours(conn):
        _stock_send_handle(conn, handle, destination_pid)
    else:
        from multiprocessing import resource_sharer

        conn.send(resource_sharer.DupFd(handle))


def recv_handle(conn: Any) -> int:
    """Receives a descriptor; it is the caller's."""
    if not _is_ours(conn):
        return _stock_recv_handle(conn)
    from multiprocessing import resource_sharer

    _wait_for_message(conn)
    received = conn.recv()
    if not isinstance(received, resource_sharer.DupFd):
        raise RuntimeError("received a message that is no descriptor")
    return received.detach()


def _wait_for_message(conn: Any) -> None:
    """Returns when a message, or the end, waits. RuntimeError where there are only bytes that
    somebody wrote into the socket: stock takes those for a message without a descriptor."""
    with socket.socket(fileno=os.dup(conn._descriptor())) as bell:
        readable = select.poll()
        readable.register(bell, select.POLLIN)
        while True:
            readable.poll(_SLICE)
            # Looked at before poll(), which silences the bell.
            try:
                heard = bell.recv(4096, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            except BlockingIOError:
                heard = b""
            if conn.poll(0):
                return
            if heard.replace(_RING, b""):
                raise RuntimeError("received bytes and no descriptor")
