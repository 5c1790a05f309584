"""What `imap` and `imap_unordered` give.

They descend from stock's, by which other packages know them.
"""

from __future__ import annotations

from multiprocessing import pool as _stock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._pool_streams import Stream
    from .pool import Pool


class IMapIterator(_stock.IMapIterator):  # type: ignore[type-arg]
    """The results of `imap`, in order, each as soon as it is there. The pool is kept as long as
    there may be more."""

    def __init__(self, pool: Pool, stream: Stream) -> None:
        self._pool: Pool | None = pool
        self._stream = stream

    def __iter__(self) -> IMapIterator:
        return self

    def next(self, timeout: float | None = None) -> Any:
        """The next result. TimeoutError where it is not there in so many seconds."""
        try:
            return self._stream.next(timeout)
        except StopIteration:
            self._pool = None
            raise

    __next__ = next


class IMapUnorderedIterator(IMapIterator, _stock.IMapUnorderedIterator):  # type: ignore[type-arg]
    """The results of `imap_unordered`, as they come."""
