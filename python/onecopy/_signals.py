"""Holding back signals where what their handlers raise would be lost, or would do harm."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # whose masks are not made of Signals first
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    Mask = set[int]

# Those whose handlers raise, by the interpreter's or by common habit.
_RAISING = {signal.SIGINT, signal.SIGTERM, signal.SIGALRM}


class HeldBack:
    """`with HeldBack() as mask:` signals come at the end; `mask` is what is held back otherwise."""

    def __enter__(self) -> Mask:
        mask: Mask = _signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self._mask = mask
        try:
            _signal.pthread_sigmask(signal.SIG_BLOCK, _RAISING)
        except BaseException:  # of a handler: then nobody comes to __exit__
            restore(mask)
            raise
        return mask

    def __exit__(self, *exception: object) -> None:
        restore(self._mask)


def restore(mask: Mask) -> None:
    """The signals in `mask` and no others are held back in this thread."""
    _signal.pthread_sigmask(signal.SIG_SETMASK, mask)
