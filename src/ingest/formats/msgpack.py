"""The three native forms in MessagePack instead of JSON.

References
----------
.. [1] MessagePack specification, https://github.com/msgpack/msgpack/blob/master/spec.md
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from ingest.formats import document
from ingest.formats.columns import Envelope, RawReadings, Refusal
from ingest.formats.decoder import Decode, Origin, no_options
from ingest.formats.strict import PayloadError
from plant.vocabulary import Code

_parse = msgspec.msgpack.Decoder().decode


def decoder(options: Mapping[str, Any]) -> Decode:
    """Return the decoder; it has no options."""
    no_options(options)
    return _decode


def parse(payload: bytes) -> Any:
    """Return the one document that a payload is.

    Raises
    ------
    PayloadError
        empty or schema.
    """
    if not payload:
        raise PayloadError(Code.EMPTY, "", "the payload has no bytes; send one MessagePack document")
    try:
        return _parse(payload)
    except (msgspec.DecodeError, RecursionError, ValueError, TypeError) as error:
        raise PayloadError(Code.SCHEMA, "", f"no MessagePack document: {error}") from error


def _decode(payload: bytes, origin: Origin, raw: RawReadings, refusals: list[Refusal]) -> Envelope:
    return document.read(parse(payload), origin.position, origin.gateway, raw, refusals)
