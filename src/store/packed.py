"""How this room compresses what it keeps: zstd frames with a checksum, so that a bit that flips is found out."""

import threading

import zstandard

MAGIC = zstandard.FRAME_HEADER  # what each frame begins with
FAST, SMALL = 1, 6  # levels: of what is written while people wait, and of what is written once and kept


class NoFrame(ValueError):
    """What is stored is no whole frame."""


class Packer:
    """Makes frames; for one thread."""

    def __init__(self, level: int) -> None:
        self._compressor = zstandard.ZstdCompressor(level, write_checksum=True, write_content_size=True)

    def pack(self, raw: bytes) -> bytes:
        """Return a frame of some bytes."""
        return self._compressor.compress(raw)


class _Threads(threading.local):
    """What each thread has of its own."""

    def __init__(self) -> None:
        self.decompressor = zstandard.ZstdDecompressor()


_threads = _Threads()


def unpack(frame: bytes, most: int) -> bytes:
    """Return what a frame was made of.

    Raises
    ------
    NoFrame
        It is none, or says that it holds more bytes than `most`.
    """
    try:
        if not 0 <= zstandard.frame_content_size(frame) <= most:
            raise NoFrame(f"it holds more than {most} bytes, or does not say how many")
        return _threads.decompressor.decompress(frame)
    except zstandard.ZstdError as error:
        raise NoFrame(str(error)) from error


class RowPacker(Packer):
    """Makes frames of rows of one width [bytes, 2 or more], where that makes them smaller; for one thread.

    What is stored is rows as they are where its length is a whole number of them, and a frame where it is not.
    """

    def __init__(self, width: int, level: int = FAST) -> None:
        super().__init__(level)
        self._width = width

    def pack(self, raw: bytes) -> bytes:
        """Return what is stored of rows."""
        frame = super().pack(raw)
        frame += b"\0" * (len(frame) % self._width == 0)  # whoever unpacks it does not mind
        return frame if len(frame) < len(raw) else raw


def unpack_rows(stored: bytes, width: int, most: int) -> bytes:
    """Return rows that a `RowPacker` of this width has stored, or that were stored before there was one.

    Raises
    ------
    NoFrame
        They are neither, or more than `most` bytes.
    """
    rows = unpack(stored, most) if len(stored) % width else stored
    if len(rows) % width:
        raise NoFrame(f"{len(rows)} bytes are not a whole number of rows of {width} bytes")
    return rows
