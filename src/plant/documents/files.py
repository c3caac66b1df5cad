"""Reads the bytes of a configuration's files, and nothing that is not an ordinary file of bounded size."""

import os
import stat
from pathlib import Path

from plant.documents.problems import ConfigurationError


def read_bytes(path: Path, limit: int) -> bytes:
    """Return an ordinary file's bytes.

    Raises
    ------
    ConfigurationError
        Where it cannot be read, is a device, FIFO or folder, or has more than `limit` bytes.
    """
    try:
        # Without O_NONBLOCK, opening a FIFO that nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise ConfigurationError.of(path, 0, _reason(error)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ConfigurationError.of(path, 0, "is not an ordinary file")
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ConfigurationError.of(path, 0, f"is larger than {limit:,} bytes")
    return content


def decode(path: Path, content: bytes) -> str:
    """Return UTF-8 text.

    Raises
    ------
    ConfigurationError
        Where it is not UTF-8, with the line of the first wrong byte.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise ConfigurationError.of(path, line, message) from error


def inside(directory: Path, name: str) -> Path:
    """Return the file that a configuration names, which must lie in its directory.

    Raises
    ------
    ValueError
        Where the name leads out of the directory, also by a symbolic link.
    """
    if "\0" in name:
        raise ValueError("a file name has no NUL in it")
    path = directory / name
    try:
        whole = path.resolve()
    except RuntimeError as error:
        raise ValueError(f"{name} is a circle of symbolic links") from error
    if not whole.is_relative_to(directory.resolve()):
        raise ValueError(f"{name} lies outside of {directory}")
    return path


def _reason(error: OSError | ValueError) -> str:
    return f"cannot be read: {error.strerror if isinstance(error, OSError) else error}"
