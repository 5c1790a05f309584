"""A list of fixed length in a segment, which keeps every value whole.

A segment has what stock's list keeps there, so that either reads the other's:

    8 bytes             how many items there are, n
    (n + 1) * 8 bytes   where each begins in the data, and where the last one ends
    the data            each item in a room of its own, a multiple of 8 bytes
    n * 8 bytes         the format of each, as module struct has it
    n bytes             what each is: 0 a number, 1 a str, 2 bytes, 3 None

Stock fills a str or bytes up with NULs to the end of its room, which is what its format says
("8s"), and strips all of them when it reads, those of the value too. So a value that ends in NUL
has a format here that says how long it is ("5sx"). Stock reads that as well, strips as ever, and
puts a format of its own in the place when it writes. A room of 1,000,000 bytes and more leaves no
place for the x; there the format of a value that ends in NUL is just not that of the room.
"""

from __future__ import annotations

import struct
from multiprocessing import shared_memory as _stock

from ._segment import SharedMemory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

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

    def _create(self, items: list[Any], name: str | None) -> None:
        # All that can be wrong with an item shows before there is a segment.
        formats, values, self._allocated_offsets = [], [], [0]
        for item in items:
            format, value = self._types_mapping[type(item)], _encoded(item)
            if isinstance(value, bytes):
                room = _room_for(item, value)
                assert len(f"{room}s") <= _WORD, "an item of 10 MB or more"
                format, value = _format_of(value, room), value.ljust(room, b"\0")
            else:
                value = struct.pack(format, value)
            formats.append(format)
            values.append(value)
            self._allocated_offsets.append(self._allocated_offsets[-1] + len(value))
        self._list_len = len(items)
        size = self._offset_back_transform_codes + self._list_len
        self.shm = SharedMemory(name, create=True, size=size)
        buf = self.shm.buf
        struct.pack_into(
            f"q{self._format_size_metainfo}", buf, 0, self._list_len, *self._allocated_offsets
        )
        buf[self._offset_data_start : self._offset_packing_formats] = b"".join(values)
        for position, item in enumerate(items):
            self._set_packing_format_and_transform(position, formats[position], item)

    def __getitem__(self, position: int) -> Any:
        position = self._checked(position, "index out of range")
        format = self._stored_format(position)
        start = self._offset_data_start + self._allocated_offsets[position]
        (stored,) = struct.unpack_from(format, self.shm.buf, start)
        value = self._get_back_transform(position)(stored)
        if "s" not in format or format == self._format_of_room(position):
            return value
        return stored.decode() if isinstance(value, str) else stored

    def __setitem__(self, position: int, value: Any) -> None:
        position = self._checked(position, "assignment index out of range")
        encoded = _encoded(value)
        if isinstance(encoded, bytes):
            room = self._room(position)
            format, stored = _format_of(encoded, room), encoded.ljust(room, b"\0")
        else:
            format = self._types_mapping[type(value)]
            stored = struct.pack(format, encoded)
        start = self._offset_data_start + self._allocated_offsets[position]
        self.shm.buf[start : start + len(stored)] = stored
        self._set_packing_format_and_transform(position, format, value)

    def _checked(self, position: int, text: str) -> int:
        if position < 0:
            position += self._list_len
        if not 0 <= position < self._list_len:
            raise IndexError(text)
        return position

    def _room(self, position: int) -> int:
        return self._allocated_offsets[position + 1] - self._allocated_offsets[position]

    def _stored_format(self, position: int) -> str:
        format: str = super()._get_packing_format(position)
        return format

    def _get_packing_format(self, position: int) -> str:
        """As stock has it, where that of a str or bytes says how much room there is."""
        format = self._stored_format(position)
        return self._format_of_room(position) if "s" in format else format

    def _format_of_room(self, position: int) -> str:
        return f"{self._room(position)}s"


def _encoded(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def _room_for(item: Any, value: bytes) -> int:
    """As much as stock gives, which counts letters; what text in many bytes needs beyond that; and
    a byte more than what ends in NUL."""
    needed = len(value) + value.endswith(b"\0")
    return _WORD * max(len(item) // _WORD + 1, -(-needed // _WORD))


def _format_of(value: bytes, room: int) -> str:
    """How the value is to be read where there is so much room. ValueError: it does not fit."""
    format = f"{room}s"
    if value.endswith(b"\0"):
        exact = f"{len(value)}sx"
        format = exact if len(exact) <= _WORD else exact[:-1]
        if len(exact) > _WORD and len(value) == room:
            raise ValueError("bytes/str item exceeds available storage")
    if len(value) > room:
        raise ValueError("bytes/str item exceeds available storage")
    return format
