"""SenML in CBOR: the same records, with numbers for the names of fields.

References
----------
.. [1] RFC 8428, Sensor Measurement Lists (SenML), section 6, table 4.
.. [2] RFC 8949, Concise Binary Object Representation (CBOR).
"""

from collections.abc import Mapping
from typing import Any

from ingest.formats import cbor, senml
from ingest.formats.decoder import Decode
from ingest.formats.options import Options

_LABELS = {
    -1: "bver", -2: "bn", -3: "bt", -4: "bu", -5: "bv", -6: "bs",
    0: "n", 1: "u", 2: "v", 3: "vs", 4: "vb", 5: "s", 6: "t", 7: "ut", 8: "vd",
}  # fmt: skip


def decoder(options: Mapping[str, Any]) -> Decode:
    """Return the decoder; options: `only`, `units`."""
    given = Options(options)
    units, only = given.units(), given.only()
    given.done()
    return lambda payload, origin, raw, refusals: senml.read(
        _named(cbor.parse(payload)), origin, raw, refusals, units, only
    )


def _named(document: Any) -> Any:
    """Return a document with the names that JSON has for its fields."""
    if not isinstance(document, list):
        return document
    return [
        {_LABELS.get(key, key): value for key, value in record.items()}
        if isinstance(record, dict)
        else record
        for record in document
    ]
