"""The empty standard input that a forked child gets, made by its parent before the fork.

Stock makes it in the child, where all that is touched is a page of the parent's that must be copied
first: a tenth of what a fork takes.
"""

from __future__ import annotations

import contextlib
import os
import sys
from multiprocessing import util

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_stock: Any = util

# That of the last fork, by its descriptor, which is closed again; the next mostly has the same. Who
# gives something up after a fork copies its pages, too.
_files: dict[int, Any] = {}


class Empty:
    """Both sides of the fork have it. OSError, ValueError: it cannot be made."""

    def __init__(self) -> None:
        self._descriptor = os.open(os.devnull, os.O_RDONLY)
        try:
            self._file = _files.get(self._descriptor) or self._open()
        except BaseException:
            os.close(self._descriptor)
            raise

    def _open(self) -> Any:
        file = open(self._descriptor, encoding="utf-8", closefd=False)  # noqa: SIM115
        _files.clear()
        _files[self._descriptor] = file
        return file

    @classmethod
    def made(cls) -> Empty | None:
        """None: the child shall see to itself."""
        with contextlib.suppress(OSError, ValueError):
            return cls()
        return None

    def give(self) -> None:
        """In the child: takes the place of what stock would make."""
        _files.clear()  # it is this process's own now, to do with as it likes
        make = _stock._close_stdin

        def take() -> None:
            _stock._close_stdin = make
            if sys.stdin is None:
                return
            with contextlib.suppress(OSError, ValueError):
                sys.stdin.close()
            sys.stdin = self._file

        _stock._close_stdin = take

    def drop(self) -> None:
        """In the parent."""
        os.close(self._descriptor)
