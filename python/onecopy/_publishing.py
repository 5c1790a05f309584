"""Names: what one member of the family publishes, any other finds, in Python or in C++."""

from __future__ import annotations

from . import _engine, _family
from .connection import PipeEnd
from .queues import JoinableQueue, Queue, SimpleQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["find", "publish", "published", "withdraw"]

# The engine knows a kind of queue by its place here.
_QUEUES = (Queue, SimpleQueue, JoinableQueue)


def publish(name: str, thing: Any) -> None:
    """Let every process of the family find `thing` under `name`: those that did not inherit it,
    such as a program that has come in by a `Door`, in Python or in C++.

    A queue, or an end of a pipe, is published as itself. Of anything else, who finds it gets what a
    message would bring it, so all that is large in it must be shared: an array made by `share`,
    `empty`, `zeros` or `full`, or a view of one; a lock or its kin; an `Array` or `Value`; a small
    value.

    The name is there until this process withdraws it or ends, and so long this process holds what
    stands under it. A queue that has been published is looked at every 10 ms by who waits for it
    in an event loop or by `connection.wait`, as those who find it have no descriptor to ring. An
    end of a pipe is open as long as it is published; a thread for each hands its socket to who
    finds it, of this user and in this network namespace.

    ValueError: the name is taken, or is not 1 to 63 bytes of UTF-8; the value has large parts that
    are not shared, or queues or ends of pipes in it. OSError: there are 1024 names already, or the
    end of the pipe is closed.
    """
    _check(name)
    _family.join()
    kind = next((kind for kind, type_ in enumerate(_QUEUES) if type(thing) is type_), None)
    if kind is not None:
        _engine.publish_queue(name, thing, kind)
    elif isinstance(thing, PipeEnd):
        _engine.publish_pipe(name, thing)
    else:
        _engine.publish_value(name, thing)


def find(name: str, timeout: float | None = 0.0) -> Any:
    """What is published under `name` in this family, now or within `timeout` seconds (None: as
    long as it takes). It is this process's from then on, whatever becomes of its publisher.

    LookupError: there is no such name, and which there are. TimeoutError: nor has there been one in
    time, or the publisher of a pipe is stopped. OSError: it hands the pipe to nobody here (another
    network namespace?). ValueError: this process is in no family yet.
    """
    _check(name)
    return _engine.find(name, timeout, _QUEUES, PipeEnd)


def withdraw(name: str) -> None:
    """Take back a name that this process has published. LookupError: there is no such name.
    PermissionError: another process has published it."""
    _check(name)
    _engine.withdraw(name)


def _check(name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"a name is a str, and {name!r} is of type {type(name).__name__}")


def published() -> list[str]:
    """The names that there are in this family."""
    return _engine.published()
