"""A list of fixed length in a segment, which keeps every value whole.

A segment begins with what stock's list keeps there, so that either reads the other's:

    8 bytes             how many items there are, n
    (n + 1) * 8 bytes   where each begins in the data, and where the last one ends
    the data            each item in the format of its own, in a multiple of 8 bytes
    n * 8 bytes         the format of each, as module struct has it
    n bytes             what each is: 0 a number, 1 a str, 2 bytes, 3 None

Stock fills a str or bytes up with NULs, and strips all of them when it reads. Behind stock's part,
from the next multiple of 8 bytes on, a list of ours therefore has

    8 bytes             MARK
    n * 8 bytes         for each str or bytes: its length without the NULs it ends in, and with them

When stock has written an item since, its first number is the wrong one, and the second is not used.
"""

from __future__ import annotations

import struct
from multiprocessing import shared_memory as _stock

from ._segment import SharedMemory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

MARK = b"onecopy\1"

_LENGTHS = "II"
_WORD = 8

_stock_list: Any = _stock.ShareableList


class ShareableList(_stock_list):  # type: ignore[misc]
    """A list of int, float, bool, str, bytes and None in shared memory. An item may be replaced by
    another that fits into its place; the length is fixed. One item is not written in one step:
    who writes where others read needs a lock, as under stock."""

    shm: SharedMemory
    _list_len: int
    _allocated_offsets: list[int]

    def __init__(self, sequence: Iterable[Any] | None = None, *, name: str | None = None) -> None:
        if sequence is None and name is not None:
            self._attach(name)
        else:
            self._create(list(sequence or ()), name)

    def _attach(self, name: str) -> None:
        self.shm = SharedMemory(name)
        self._list_len = len(self)
        offsets = struct.unpack_from(self._format_size_metainfo, self.shm.buf, _WORD)
        self._allocated_offsets = list(offsets)
        self._find_lengths()

    def _create(self, items: list[Any], name: str | None) -> None:
        # All that can be wrong with an item shows before there is a segment.
        formats, values = [], []
        for item in items:
            code, value = self._types_mapping[type(item)], _encoded(item)
            if isinstance(value, bytes):
                # As stock gives, which counts letters; what text in many bytes needs beyond that.
                code %= _WORD * max(len(item) // _WORD + 1, -(-len(value) // _WORD))
            assert len(code) <= _WORD, "an item of 10 MB or more"
            formats.append(code)
            values.append(struct.pack(code, value))
        self._list_len = len(items)
        self._allocated_offsets = [0]
        for value in values:
            self._allocated_offsets.append(self._allocated_offsets[-1] + len(value))
        self.shm = SharedMemory(name, create=True, size=self._lengths_end)
        buf = self.shm.buf
        struct.pack_into(
            f"q{self._format_size_metainfo}", buf, 0, self._list_len, *self._allocated_offsets
        )
        buf[self._offset_data_start : self._offset_packing_formats] = b"".join(values)
        struct.pack_into(f"{len(MARK)}s", buf, self._lengths_start - len(MARK), MARK)
        self._find_lengths()
        for position, item in enumerate(items):
            self._describe(position, formats[position], item)

    def __getitem__(self, position: int) -> Any:
        position = self._checked(position, "index out of range")
        format = self._get_packing_format(position)
        start = self._offset_data_start + self._allocated_offsets[position]
        (stored,) = struct.unpack_from(format, self.shm.buf, start)
        value = self._get_back_transform(position)(stored)
        return value if format[-1] != "s" else self._with_its_end(position, value, stored)

    def __setitem__(self, position: int, value: Any) -> None:
        position = self._checked(position, "assignment index out of range")
        start, end = self._allocated_offsets[position : position + 2]
        encoded = _encoded(value)
        if isinstance(encoded, bytes):
            if len(encoded) > end - start:
                raise ValueError("bytes/str item exceeds available storage")
            format = self._types_mapping[str] % (end - start)
        else:
            format = self._types_mapping[type(value)]
        stored = struct.pack(format, encoded)
        start += self._offset_data_start
        self.shm.buf[start : start + len(stored)] = stored
        self._describe(position, format, value)

    def _checked(self, position: int, text: str) -> int:
        if position < 0:
            position += self._list_len
        if not 0 <= position < self._list_len:
            raise IndexError(text)
        return position

    def _describe(self, position: int, format: str, value: Any) -> None:
        encoded = _encoded(value)
        if self._has_lengths and isinstance(encoded, bytes):
            lengths = len(encoded.rstrip(b"\0")), len(encoded)
            struct.pack_into(_LENGTHS, self.shm.buf, self._place_of_lengths(position), *lengths)
        self._set_packing_format_and_transform(position, format, value)

    def _with_its_end(self, position: int, value: Any, stored: bytes) -> Any:
        """`value` with the NULs that were stripped off it, where they are its own."""
        if self._has_lengths:
            stripped, whole = struct.unpack_from(
                _LENGTHS, self.shm.buf, self._place_of_lengths(position)
            )
            if len(stored.rstrip(b"\0")) == stripped and stripped < whole <= len(stored):
                end = bytes(whole - stripped)
                return value + (end if isinstance(value, bytes) else end.decode())
        return value

    def _find_lengths(self) -> None:
        """Whether this list has lengths; one that stock made has none."""
        self._has_lengths = (
            self.shm.size >= self._lengths_end
            and self.shm.buf[self._lengths_start - len(MARK) : self._lengths_start] == MARK
        )

    @property
    def _lengths_start(self) -> int:
        end_of_stocks: int = self._offset_back_transform_codes + self._list_len
        return (end_of_stocks + _WORD - 1) // _WORD * _WORD + len(MARK)

    @property
    def _lengths_end(self) -> int:
        return self._lengths_start + _WORD * self._list_len

    def _place_of_lengths(self, position: int) -> int:
        return self._lengths_start + _WORD * position


def _encoded(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value
