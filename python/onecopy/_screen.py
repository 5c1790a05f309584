"""The terminal, as something that is drawn anew from time to time and put back in the end."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import termios
import time
import tty
from collections.abc import Iterator

from ._picture import STYLES, cut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._picture import Line

# The other screen, so that what was there comes back; no cursor; what is too long is not wrapped.
OPEN = "\x1b[?1049h\x1b[?25l\x1b[?7l"
CLOSE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
HOME, CLEAR_LINE, CLEAR_REST = "\x1b[H", "\x1b[K", "\x1b[J"


class Screen:
    """For a program whose standard output is a terminal, in its main thread."""

    def __init__(self) -> None:
        self._keys = sys.stdin.fileno() if sys.stdin and sys.stdin.isatty() else None
        self._attributes: list[object] | None = None
        self._changed = False  # in size, or drawn over by others

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """What was on the terminal is there again afterwards, however this ends but by SIGKILL:
        SIGTERM and SIGHUP end the program as an exception does."""
        handlers = {
            signal.SIGTERM: self._end,
            signal.SIGHUP: self._end,
            signal.SIGTSTP: self._pause,
            signal.SIGWINCH: self._redraw,
        }
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            self._take()
            yield
        finally:
            self._give_back()
            for number, handler in before.items():
                signal.signal(number, handler)

    def show(self, lines: list[Line]) -> None:
        width, height = shutil.get_terminal_size()
        if len(lines) > height:
            more = len(lines) - height + 1
            lines = [*lines[: height - 1], (f"and {more} lines more: --once prints all", "heading")]
        drawn = (CLEAR_LINE + "\r\n").join(
            _styled(cut(text, width), style) for text, style in lines
        )
        self._write(HOME + drawn + CLEAR_LINE + CLEAR_REST)
        self._changed = False

    def wait(self, seconds: float) -> str | None:
        """Until a key is hit (which), the time is over, or the terminal changes (None)."""
        end = time.monotonic() + seconds
        while not self._changed:
            # In slices: a signal that came just before the sleep would wake nobody.
            rest = min(end - time.monotonic(), 0.1)
            if rest <= 0:
                return None
            if self._keys is None:
                time.sleep(rest)
                continue
            if select.select([self._keys], [], [], rest)[0]:
                key = os.read(self._keys, 64)
                if not key:  # the terminal is gone
                    self._keys = None
                return key[:1].decode(errors="replace")
        return None

    def _take(self) -> None:
        if self._keys is not None:
            self._attributes = termios.tcgetattr(self._keys)
            tty.setcbreak(self._keys)
        self._write(OPEN)

    def _give_back(self) -> None:
        with contextlib.suppress(OSError, termios.error):  # a terminal that is gone
            self._write(CLOSE)
            if self._keys is not None and self._attributes is not None:
                termios.tcsetattr(self._keys, termios.TCSADRAIN, self._attributes)  # type: ignore[arg-type]

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    def _end(self, number: int, _frame: object) -> None:
        sys.exit(128 + number)

    def _redraw(self, _number: int, _frame: object) -> None:
        self._changed = True

    def _pause(self, number: int, _frame: object) -> None:
        """Ctrl-Z: the terminal belongs to the shell until it continues us."""
        self._give_back()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, self._pause)
        self._take()
        self._changed = True


def _styled(text: str, style: str) -> str:
    code = STYLES[style]
    return f"\x1b[{code}m{text}\x1b[0m" if code else text
