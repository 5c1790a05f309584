"""Managers: stock's, in processes of Onecopy, whose proxies of the same family talk to them through
pipes. The proxies are stock's."""

from __future__ import annotations

from multiprocessing import managers as _stock
from multiprocessing.managers import BaseProxy, Token

from . import _meeting, _names, context
from . import connection as _connection  # noqa: F401 (proxies follow their server into a pipe)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["BaseManager", "SyncManager", "BaseProxy", "Token", "SharedMemoryManager"]

_dispatch: Any = _stock.dispatch  # type: ignore[attr-defined]

__getattr__ = _names.names_of(_stock, __name__)


class BaseManager(_stock.BaseManager):
    """multiprocessing.managers.BaseManager, whose default context is Onecopy's."""

    def __init__(
        self,
        address: Any = None,
        authkey: bytes | None = None,
        serializer: str = "pickle",
        ctx: Any = None,
        **further: Any,  # from Python 3.11 on: shutdown_timeout
    ) -> None:
        ctx = ctx or context._default_context.get_context()
        super().__init__(address, authkey, serializer, ctx, **further)

    def get_server(self) -> Any:
        """The server, to run in this process."""
        _meeting.meet_everywhere()
        return super().get_server()

    @classmethod
    def _run_server(cls, *args: Any, **kwds: Any) -> None:
        _meeting.meet_everywhere()
        super()._run_server(*args, **kwds)  # type: ignore[misc]


class SyncManager(BaseManager, _stock.SyncManager):
    """multiprocessing.managers.SyncManager, whose default context is Onecopy's."""


class SharedMemoryManager(BaseManager, _stock.SharedMemoryManager):
    """multiprocessing.managers.SharedMemoryManager, whose default context is Onecopy's and whose
    segments and lists are."""

    def SharedMemory(self, size: int) -> Any:
        """A new segment, which the server unlinks when it ends."""
        from .shared_memory import SharedMemory

        memory = SharedMemory(create=True, size=size)
        self._hand_over(memory)
        return memory

    def ShareableList(self, sequence: Any) -> Any:
        """A new list in a segment, which the server unlinks when it ends."""
        from .shared_memory import ShareableList

        shared = ShareableList(sequence)
        self._hand_over(shared.shm)
        return shared

    def _hand_over(self, memory: Any) -> None:
        manager: Any = self
        try:
            with manager._Client(manager._address, authkey=manager._authkey) as connection:
                _dispatch(connection, None, "track_segment", (memory.name,))
        except BaseException:
            memory.unlink()
            raise
