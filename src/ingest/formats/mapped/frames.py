"""Numbers among bytes that a payload carries as text, such as the frame of a LoRaWAN uplink."""

import base64
import binascii
import re
import struct
from collections.abc import Mapping
from typing import Any

from ingest.formats.fields import told
from ingest.formats.strict import PayloadError
from plant.devices.profiles import BytePart, BytesPart
from plant.vocabulary import Code

_TYPE = re.compile(r"([usf])(\d+)(be|le)?")


def split(text: Any, part: BytesPart, wanted: frozenset[str], path: str) -> Mapping[str, bytes]:
    """Return the data by tag, or all of it by "" where the bytes have no tags.

    Raises
    ------
    PayloadError
        It is no text of bytes; a tag has no length or too little data; a `wanted` tag stands twice.
    """
    data = _decoded(text, part.encoding, path)
    if part.tags is None:
        return {"": data}
    found: dict[str, bytes] = {}
    size = len(next(iter(part.tags))) // 2
    at = 0
    while at < len(data):
        tag = data[at : at + size].hex()
        length = part.tags.get(tag)
        if length is None:
            detail = f"byte {at} begins with {tag}, and nobody said how many bytes follow it: add it to tags"
            raise PayloadError(Code.SCHEMA, path, detail)
        start, at = at + size, at + size + length
        if at > len(data):
            raise PayloadError(
                Code.SCHEMA, path, f"ends within the data of {tag}, {at - len(data)} bytes early"
            )
        if tag in found and tag in wanted:
            raise PayloadError(Code.DUP_KEY, path, f"{tag} stands twice; nobody could say which is meant")
        found[tag] = data[start:at]
    return found


def number(data: bytes, part: BytePart, path: str) -> int | float:
    """Return the number that some bytes are.

    Raises
    ------
    PayloadError
        schema: there are too few of them; non_finite: it is NaN or infinite.
    """
    kind, bits, order = _TYPE.fullmatch(part.type).groups()  # type: ignore[union-attr]  # the profile's check
    size = int(bits) // 8
    cut = data[part.offset : part.offset + size]
    if len(cut) < size:
        detail = (
            f"{part.type} at byte {part.offset} needs {part.offset + size} bytes, and there are {len(data)}"
        )
        raise PayloadError(Code.SCHEMA, path, detail)
    if kind != "f":
        return int.from_bytes(cut, "little" if order == "le" else "big", signed=kind == "s")
    (found,) = struct.unpack(f"{'<' if order == 'le' else '>'}{'f' if size == 4 else 'd'}", cut)
    if found != found or abs(found) == float("inf"):  # noqa: PLR0124  NaN is the number that is not itself
        raise PayloadError(
            Code.NON_FINITE, path, f"{found} is no value; name it in no_value where the device means none"
        )
    return float(found)


def _decoded(text: Any, encoding: str, path: str) -> bytes:
    if isinstance(text, bytes):  # CBOR and MessagePack have them as they are
        return text
    if not isinstance(text, str):
        raise PayloadError(Code.TYPE, path, f"{told(text)}; the mapping reads bytes as {encoding} here")
    try:
        return base64.b64decode(text, validate=True) if encoding == "base64" else bytes.fromhex(text)
    except (binascii.Error, ValueError) as error:
        raise PayloadError(Code.TYPE, path, f"{text[:40]!r} is not {encoding}") from error
