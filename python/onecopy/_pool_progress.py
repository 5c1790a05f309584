"""A bar that shows how far a call of a pool is, by tqdm."""

from __future__ import annotations

from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Callable


@contextmanager
def bar(wanted: bool, length: int) -> Iterator[Callable[[int], object] | None]:
    """To be told how many of the `length` items are done more than before; None where no bar is
    `wanted`. Raises ImportError where tqdm is not installed."""
    if not wanted:
        yield None
        return
    try:
        from tqdm.auto import tqdm  # type: ignore[import-untyped]
    except ImportError as error:
        text = "progress=True needs tqdm, which is not installed: pip install tqdm"
        raise ImportError(text) from error
    with tqdm(total=length) as shown:
        yield shown.update
