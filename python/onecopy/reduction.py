"""Stock's module, but descriptors are sent over a pipe of Onecopy as messages: its socket is for
sleeping on, and carries none of its data."""

from __future__ import annotations

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
    return conn.recv().detach()  # type: ignore[no-any-return]
