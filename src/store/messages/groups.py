"""Groups of messages as the journal keeps them: a MessagePack array, compressed where that makes it smaller.

The digest is of the array. A frame of zstd begins with a byte that no array begins with, so each tells what it is; what was
written before groups were compressed stays readable.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from store.packed import MAGIC, NoFrame, Packer, unpack

MOST_BYTES = 1 << 30  # of a group, far above what one commit or a segment holds
SEGMENT_BYTES = 256 * 1024  # of the messages of a segment: small enough to be opened for one of them
_FIX, _ARRAY_16, _ARRAY_32 = 0x90, 0xDC, 0xDD  # how a MessagePack array begins


class GroupRow(NamedTuple):
    """A row of the table `journal`."""

    first: int
    size: int  # messages
    messages: bytes
    digest: bytes


class GroupUnreadable(ValueError):
    """A stored group is not what its digest says."""


class GroupWriter:
    """Makes rows of the journal; for one thread."""

    def __init__(self, level: int) -> None:
        self._packer = Packer(level)

    def group(self, first: int, count: int, array: bytes) -> GroupRow:
        """Return the row of so many messages, as a MessagePack array."""
        frame = self._packer.pack(array)
        return GroupRow(first, count, min(frame, array, key=len), digest_of(array))


def array_of(messages: bytes, digest: bytes) -> bytes:
    """Return a row's MessagePack array; raise GroupUnreadable where it is not what its digest says."""
    array = stored_array(messages)
    if digest_of(array) != digest:
        raise GroupUnreadable("it does not match its digest")
    return array


def stored_array(messages: bytes) -> bytes:
    """Return a row's MessagePack array, whatever its digest; raise GroupUnreadable where there is none."""
    if not messages.startswith(MAGIC):
        return messages
    try:
        return unpack(messages, MOST_BYTES)
    except NoFrame as error:
        raise GroupUnreadable(str(error)) from error


def digest_of(array: bytes) -> bytes:
    """Return the digest of a group's MessagePack array, BLAKE2b-128."""
    return blake2b(array, digest_size=16).digest()


def size_of(array: bytes) -> int:
    """Return of how many elements a MessagePack array says to be; raise GroupUnreadable where it is none."""
    width = {_ARRAY_16: 2, _ARRAY_32: 4}.get(array[0]) if array else None
    if width is not None and len(array) > width:
        return int.from_bytes(array[1 : 1 + width])
    if not array or array[0] & 0xF0 != _FIX:
        raise GroupUnreadable("it is no array")
    return array[0] & 0x0F


def joined(arrays: Sequence[bytes], count: int) -> bytes:
    """Return one MessagePack array of what is in several, which are `count` elements in all."""
    return b"".join([bytes([_ARRAY_32]), count.to_bytes(4), *map(_elements, arrays)])


def _elements(array: bytes) -> bytes:
    return array[{_ARRAY_16: 3, _ARRAY_32: 5}.get(array[0], 1) :]
