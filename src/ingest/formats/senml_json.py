"""SenML in JSON: packs of records with base fields, times relative to arrival where they are small.

References
----------
.. [1] RFC 8428, Sensor Measurement Lists (SenML), sections 4 and 5.
.. [2] RFC 8798, Additional Units for SenML, section 3.
"""

from collections.abc import Mapping
from typing import Any

from ingest.formats import senml, strict
from ingest.formats.decoder import Decode
from ingest.formats.options import Options


def decoder(options: Mapping[str, Any]) -> Decode:
    """Return the decoder; options: `only`, `units`."""
    given = Options(options)
    units, only = given.units(), given.only()
    given.done()
    return lambda payload, origin, raw, refusals: senml.read(
        strict.parse(payload), origin, raw, refusals, units, only
    )
