"""CBOR as strictly as our JSON: one document, bounded in depth, no twin keys.

References
----------
.. [1] RFC 8949, Concise Binary Object Representation (CBOR).
"""

import io
from typing import Any

import cbor2

from ingest.formats.strict import PayloadError
from plant.documents.json_text import MAX_DEPTH
from plant.vocabulary import Code


def parse(payload: bytes) -> Any:
    """Return the one document that a payload is.

    Raises
    ------
    PayloadError
        empty, schema or trailing.
    """
    if not payload:
        raise PayloadError(Code.EMPTY, "", "the payload has no bytes; send one CBOR document")
    stream = io.BytesIO(payload)
    decode = cbor2.CBORDecoder(stream, max_depth=MAX_DEPTH, allow_duplicate_keys=False).decode
    try:
        document = decode()
    except (cbor2.CBORDecodeError, RecursionError, OverflowError, ValueError) as error:
        raise PayloadError(Code.SCHEMA, "", f"no CBOR document: {error}") from error
    if stream.tell() < len(payload):
        raise PayloadError(Code.TRAILING, "", f"more bytes follow at {stream.tell()}; send one document")
    return document
