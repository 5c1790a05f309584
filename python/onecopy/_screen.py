"""The terminal, as something that is drawn anew from time to time and put back in the end."""

from __future__ import annotations

import contextlib
import os
import re
import select
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

KEY = re.compile(rb"\x1b[\[O][\d;]*[A-Za-z~]|.", re.DOTALL)
QUIT = {b"q", b"Q", b"\x1b", b""}  # the last: the terminal is gone
PAGES = {b" ", b"\x1b[6~", b"b", b"\x1b[5~"}
DOWN, UP = (
    (b"j", b"\x1b[B", b"\x1bOB", b" ", b"\x1b[6~"),
    (b"k", b"\x1b[A", b"\x1bOA", b"b", b"\x1b[5~"),
)
MOVES = {**dict.fromkeys(DOWN, 1), **dict.fromkeys(UP, -1)}


class Quit(Exception):  # noqa: N818
    """Somebody hit q."""


class Screen:
    """For a program whose standard output is a terminal, in its main thread."""

    def __init__(self) -> None:
        self._keys = sys.stdin.fileno() if sys.stdin and sys.stdin.isatty() else None
        self._attributes: list[object] | None = None
        self._changed = False  # since the last time that something was shown
        self._first = 0  # of the lines, where there are more than fit

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
        """As many of the lines as there is room for, from where the keys have led."""
        width, height = _size()
        if len(lines) > height:
            self._first = max(0, min(self._first, len(lines) - height + 1))
            end = self._first + height - 1
            place = (
                f"{self._first + 1} to {end} of {len(lines)} lines; arrows and space move, q ends"
            )
            lines = [*lines[self._first : end], (place, "heading")]
        drawn = (CLEAR_LINE + "\n").join(_styled(cut(text, width), style) for text, style in lines)
        self._write(HOME + drawn + CLEAR_LINE + CLEAR_REST)
        self._changed = False

    def wait(self, seconds: float) -> bool:
        """Until the lines are to be shown again, since a key or the terminal wants it (true), or
        the time is over (false). Raises Quit for the key that ends the program."""
        end = time.monotonic() + seconds
        while not self._changed:
            # In slices: a signal that came just before the sleep would wake nobody.
            rest = min(end - time.monotonic(), 0.1)
            if rest <= 0:
                return False
            if self._keys is None:
                time.sleep(rest)
            elif select.select([self._keys], [], [], rest)[0]:
                self._heed(os.read(self._keys, 64))
        return True

    def _heed(self, typed: bytes) -> None:
        """What was typed may be several keys."""
        for key in KEY.findall(typed) or [b""]:
            if key in QUIT:
                raise Quit
            if key in MOVES:
                page = _size().lines - 2
                self._first += MOVES[key] * (page if key in PAGES else 1)
                self._changed = True

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


def _size() -> os.terminal_size:
    """As it is now, whatever COLUMNS and LINES say."""
    with contextlib.suppress(OSError):
        size = os.get_terminal_size(sys.stdout.fileno())
        if size.columns and size.lines:
            return size
    return os.terminal_size((80, 24))


def _styled(text: str, style: str) -> str:
    code = STYLES[style]
    return f"\x1b[{code}m{text}\x1b[0m" if code else text
