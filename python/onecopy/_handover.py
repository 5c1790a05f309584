"""Ends of pipes, and queues, under way to a process that is not being started.

Their descriptors cannot lie in a message. So the sender keeps a handle of its own, by the stock
package's thread for such things, until the receiver has asked for it and opened it.
"""

from __future__ import annotations

from . import _engine
from .reduction import recv_handle, send_handle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Callable, TypeVar

    Opened = TypeVar("Opened")


_PATIENCE = 20.0  # seconds that a receiver may take from asking for a handle to having opened it


class Handover:
    """The descriptors of a handle that nobody else uses go to who unpickles this; `close` closes
    it, also where the message that this goes with is never delivered."""

    def __init__(self, descriptors: Sequence[int], close: Callable[[], None]) -> None:
        from multiprocessing import resource_sharer

        def hand_over(receiver: Any, destination_pid: int) -> None:
            for descriptor in descriptors:
                send_handle(receiver, descriptor, destination_pid)
            # Closing at once would let it go before the receiver has it open.
            receiver.poll(_PATIENCE)

        sharer: Any = resource_sharer.__dict__["_resource_sharer"]
        self._id = sharer.register(hand_over, close)
        self._count = len(descriptors)

        def withdraw() -> None:
            if sharer._cache.pop(self._id[1], None) is not None:
                close()

        _engine.when_undelivered(withdraw)

    def open(self, make: Callable[..., Opened]) -> Opened:
        """In the receiver, once: what `make` makes of the descriptors, which it owns."""
        from multiprocessing import resource_sharer

        sharer: Any = resource_sharer.__dict__["_resource_sharer"]
        with sharer.get_connection(self._id) as sender:
            return make(*(recv_handle(sender) for _ in range(self._count)))
