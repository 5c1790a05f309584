"""How two processes of one family that meet over a socket come to talk through a pipe.

To an outsider there is nothing to see: stock's authentication goes on, with stock's messages. But
the last of the random bytes of a challenge are a mark, by which a listener tells its family, and
then a client tells the listener. When each has proved that it knows the key, the client's welcome
brings the names of a pipe that it has made, the listener opens it and says so, and from then on the
socket is the pipe's bell. No key, no meeting: such a connection stays on its socket.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from multiprocessing import connection as _connection
from multiprocessing.context import AuthenticationError

from . import _engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .connection import PipeEnd

    Names = tuple[int, int]

_stock: Any = _connection

# Kept, because follow() and meet_everywhere() put what is below in their place.
_deliver_challenge = _stock.deliver_challenge
_answer_challenge = _stock.answer_challenge
_client = _stock.SocketClient
_listener: Any = _stock.SocketListener

# From Python 3.12 on the challenge names the digest.
_IS_DIGEST_NAMED = hasattr(_stock, "_verify_challenge")
_PREFIX = b"{sha256}" if _IS_DIGEST_NAMED else b""
_CHALLENGE, _WELCOME, _FAILURE = b"#CHALLENGE#", b"#WELCOME#", b"#FAILURE#"

_LONGEST = 256  # bytes of a message before it is known who sends, as in stock
_MARK = 8  # bytes; what is left of a challenge is random enough for one
_NAMES = struct.Struct("!4I")
_MOVED, _STAYED = b"#MOVED#", b"#STAYED#"

# What a connection that has moved has from the end of its pipe.
_OF_THE_PIPE = (
    *("send", "recv", "send_bytes", "recv_bytes", "recv_bytes_into", "poll", "fileno", "close"),
    *("_descriptor", "_names", "_hold_for"),
)


class Connection(_connection.Connection):
    """A connection over a socket that Client or Listener made; where both sides are of one family,
    over a pipe."""

    _pipe: PipeEnd | None = None
    _handle: int | None
    _heard = b""  # a listener's challenge, of our family
    _said = b""  # our own challenge, to a client

    def __init__(self, handle: int, *, listens: bool) -> None:
        super().__init__(handle)
        self._listens = listens

    @classmethod
    def of(cls, plain: Any, *, listens: bool) -> Connection:
        """In the place of a stock connection, whose socket it takes."""
        taken = cls(plain.fileno(), listens=listens)
        plain._handle = None
        return taken

    @property
    def closed(self) -> bool:
        return super().closed if self._pipe is None else self._pipe.closed

    @property
    def readable(self) -> bool:
        return super().readable if self._pipe is None else self._pipe.readable

    @property
    def writable(self) -> bool:
        return super().writable if self._pipe is None else self._pipe.writable

    def __reduce__(self) -> tuple[Any, ...]:
        if self._pipe is not None:
            return self._pipe.__reduce__()
        reduced: tuple[Any, ...] = _stock.reduce_connection(self)
        return reduced

    def _move_to(self, pipe: PipeEnd) -> None:
        self.close()  # the pipe has a descriptor of its own
        with socket.socket(fileno=os.dup(pipe._descriptor())) as bell:
            bell.setblocking(False)
            if bell.family != socket.AF_UNIX:
                bell.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pipe = pipe
        # Called as directly as those of a pipe's end.
        for name in _OF_THE_PIPE:
            setattr(self, name, getattr(pipe, name))


def deliver_challenge(connection: Any, authkey: bytes, *digest: str, **named: str) -> None:
    """Stock's, with a mark where there is somebody to be told."""
    where = _whereabouts()
    if (
        not isinstance(connection, Connection)
        or not isinstance(authkey, bytes)
        or not where
        or not (connection._listens or connection._heard)
        or digest
        or named
    ):
        _deliver_challenge(connection, authkey, *digest, **named)
        return
    nonce = _PREFIX + os.urandom(_stock.MESSAGE_LENGTH - _MARK)
    message = nonce + _mark(authkey, where, connection._heard, nonce)
    connection.send_bytes(_CHALLENGE + message)
    try:
        _verify(authkey, message, connection.recv_bytes(_LONGEST))
    except AuthenticationError:
        connection.send_bytes(_FAILURE)
        raise
    if connection._listens:
        connection._said = message
        connection.send_bytes(_WELCOME)
    else:
        _propose(connection)


def answer_challenge(connection: Any, authkey: bytes) -> None:
    """Stock's, which hears a mark where there is one."""
    where = _whereabouts()
    if not isinstance(connection, Connection) or not isinstance(authkey, bytes) or not where:
        _answer_challenge(connection, authkey)
        return
    hearing = _Hearing(connection, authkey, where)
    _answer_challenge(hearing, authkey)
    if not connection._listens:
        if hearing.marked and _is_near(connection.fileno()):
            connection._heard = hearing.challenge
    elif hearing.names is not None:
        _agree(connection, *hearing.names)


class _Hearing:
    """A connection as stock answers a challenge over it."""

    marked = False
    names: tuple[Names, Names] | None = None

    def __init__(self, connection: Connection, authkey: bytes, where: bytes) -> None:
        self._connection = connection
        self._authkey = authkey
        self._where = where
        self.challenge = b""
        self.send_bytes = connection.send_bytes

    def recv_bytes(self, maxlength: int) -> bytes:
        message: bytes = self._connection.recv_bytes(maxlength)
        if not self.challenge:
            self.challenge = message[len(_CHALLENGE) :]
            self.marked = self._is_marked()
        elif self.marked and self._connection._listens and message[: len(_WELCOME)] == _WELCOME:
            names = message[len(_WELCOME) :]
            if len(names) == _NAMES.size:
                index, generation, *other = _NAMES.unpack(names)
                self.names = (index, generation), (other[0], other[1])
                return _WELCOME
        return message

    def _is_marked(self) -> bool:
        nonce, mark = self.challenge[:-_MARK], self.challenge[-_MARK:]
        said = self._connection._said
        if self._connection._listens and not said:
            return False
        import hmac

        return hmac.compare_digest(mark, _mark(self._authkey, self._where, said, nonce))


def _mark(authkey: bytes, where: bytes, before: bytes, nonce: bytes) -> bytes:
    """`before`: the challenge of the listener, in that of the client, so that no mark can be used
    again."""
    import hmac  # with OpenSSL behind it: nothing that every program should have to load

    message = b"onecopy".join((where, before, nonce))
    return bytes(hmac.digest(authkey, message, "sha256")[:_MARK])


def _verify(authkey: bytes, message: bytes, response: bytes) -> None:
    if _IS_DIGEST_NAMED:
        _stock._verify_challenge(authkey, message, response)
        return
    import hmac

    if not hmac.compare_digest(hmac.new(authkey, message, "md5").digest(), response):
        raise AuthenticationError("digest received was wrong")


def _propose(connection: Connection) -> None:
    """In the client: makes the pipe."""
    from .connection import PipeEnd

    try:
        pipe = PipeEnd._make_on(os.dup(connection.fileno()))
    except (OSError, MemoryError):
        connection.send_bytes(_WELCOME)
        return
    receive, send = pipe._names()
    assert receive is not None and send is not None
    connection.send_bytes(_WELCOME + _NAMES.pack(*receive, *send))
    if connection.recv_bytes(_LONGEST) == _MOVED:
        connection._move_to(pipe)


def _agree(connection: Connection, receive: Names, send: Names) -> None:
    """In the listener: opens the pipe by the names that its maker knows it by."""
    from .connection import PipeEnd

    try:
        pipe = PipeEnd._open(os.dup(connection.fileno()), send, receive)
    except (OSError, MemoryError):
        connection.send_bytes(_STAYED)
        return
    connection.send_bytes(_MOVED)
    connection._move_to(pipe)


def _whereabouts() -> bytes:
    """What only members of this family know; nothing: there is none yet. It must be more than what
    others could guess, or a mark would tell them whether they have guessed the key."""
    return _engine.family_secret() if _engine.in_family() else b""


def _is_near(descriptor: int) -> bool:
    """Whether the other side of a socket is on this machine, and not a copy of it."""
    with socket.socket(fileno=os.dup(descriptor)) as connected:
        if connected.family == socket.AF_UNIX:
            return True
        return bool(connected.getpeername()[0] == connected.getsockname()[0])


def SocketClient(address: Any) -> Connection:
    """Stock's, in a connection that can move."""
    return Connection.of(_client(address), listens=False)


class SocketListener(_listener):  # type: ignore[misc]
    """Stock's, whose connections can move."""

    def accept(self) -> Any:
        accepted = super().accept()
        # Descriptors are sent over stock's connections for that, by the kernel: they stay sockets.
        sharer: Any = sys.modules.get("multiprocessing.resource_sharer")
        if sharer is not None and sharer._resource_sharer._address == self._address:
            return accepted
        return Connection.of(accepted, listens=True)


def follow() -> None:
    """From now on stock's Client moves with a listener that does, and with no other."""
    _stock.SocketClient = SocketClient
    _stock.deliver_challenge = deliver_challenge
    _stock.answer_challenge = answer_challenge


def meet_everywhere() -> None:
    """From now on every listener of this process moves with its family."""
    _stock.SocketListener = SocketListener
