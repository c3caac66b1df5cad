"""The slow path of the native format: reads a parsed document field by field and names each fault.

It decides where the hot path of `native` has doubts, and yields the same readings where there is no fault.
"""

from dataclasses import dataclass
from typing import Any

from ingest.formats import fields
from ingest.formats.columns import WHOLE_MESSAGE, Envelope, RawReadings, Refusal
from ingest.formats.strict import PayloadError
from plant.vocabulary import Code, Quality

MAX_REFUSALS = 100  # of one message; further refused readings are only counted
Cell = tuple[
    str, str, float, str, Quality, bool, int
]  # channel, time, value, unit, quality, reset, correction

FORMS = ("readings", "columns", "channel")  # the key that tells the form: batch, columnar, single


def read(
    document: Any, position: int, gateway_name: str, raw: RawReadings, refusals: list[Refusal]
) -> Envelope:
    """Append the readings of a parsed native message to `raw`, and what is refused of it to `refusals`.

    Raises
    ------
    PayloadError
        schema: the document is no object; too_large: it has too many readings.
    """
    if not isinstance(document, dict):
        raise PayloadError(Code.SCHEMA, "", "the document is no object; send one of the three native forms")
    first, earlier = len(raw), len(refusals)
    reader = _Reader(position, raw, refusals, earlier + MAX_REFUSALS)
    boot, seq = reader.sequence(document)
    reader.form(document)
    count = len(raw) - first
    if document.get("gateway") not in (None, gateway_name):
        raw.roll_back(first)
        del refusals[earlier:]
        reader.note(Code.IDENTITY_MISMATCH, "gateway", f"another name than the topic's, {gateway_name!r}")
        reader.refused, count = reader.refused + count, 0
    return Envelope(boot, seq, first, count, decoded=True, refused=reader.refused)


@dataclass(slots=True)
class _Reader:
    """Where the readings and refusals of one message go."""

    position: int
    raw: RawReadings
    refusals: list[Refusal]
    limit: int  # length of `refusals` from which nothing more is noted
    refused: int = 0

    def note(self, code: Code, path: str, detail: str) -> None:
        if len(self.refusals) < self.limit:
            self.refusals.append(Refusal(self.position, code, path, detail))

    def note_error(self, error: PayloadError) -> None:
        self.note(error.code, error.path, error.detail)

    def refuse(self, error: PayloadError, readings: int) -> None:
        """Note a fault that costs this many readings."""
        self.note_error(error)
        self.refused += readings

    def sequence(self, document: dict[str, Any]) -> tuple[str | None, int | None]:
        """Return boot and seq; a faulty one is noted and costs no reading."""
        boot = seq = None
        try:
            boot = fields.boot(document.get("boot"))
        except PayloadError as error:
            self.note_error(error)
        try:
            seq = fields.seq(document.get("seq"))
        except PayloadError as error:
            self.note_error(error)
        return boot, seq if boot is not None else None

    def form(self, document: dict[str, Any]) -> None:
        forms = [key for key in FORMS if key in document]
        if forms == ["readings"]:
            self.batch(document["readings"])
        elif forms == ["columns"]:
            self.columnar(document.get("time"), document["columns"])
        elif forms == ["channel"]:
            self.reading(document, WHOLE_MESSAGE, "")
        else:
            self.note(Code.SCHEMA, "", f"{len(forms)} of the keys {', '.join(FORMS)}; send exactly one")

    def batch(self, readings: Any) -> None:
        if not isinstance(readings, list):
            self.note(Code.SCHEMA, "readings", "no array; send an array of readings")
            return
        fields.check_count(len(readings))
        for item, reading in enumerate(readings):
            if isinstance(reading, dict):
                self.reading(reading, item, f"readings[{item}].")
            else:
                fault = PayloadError(Code.SCHEMA, f"readings[{item}]", "no object; send a reading")
                self.refuse(fault, 1)

    def reading(self, reading: dict[str, Any], item: int, at: str) -> None:
        try:
            self.append(item, *_single(reading, at))
        except PayloadError as error:
            self.refuse(error, 1)

    def columnar(self, times: Any, columns: Any) -> None:
        if not isinstance(columns, dict):
            self.note(Code.SCHEMA, "columns", "no object; send an object of columns by channel")
            return
        fields.check_count(sum(map(_present, columns.values())))
        self.raw.columnar.add(self.position)
        for channel, column in columns.items():
            try:
                self.column(channel, times, _checked_column(channel, times, column))
            except PayloadError as error:
                self.refuse(error, _present(column))

    def column(self, channel: str, times: list[Any], column: dict[str, Any]) -> None:
        """Append the readings of a column whose lists are as long as `times`."""
        for item, value in enumerate(column["values"]):
            if value is None:
                continue
            try:
                self.append(item, *_cell(channel, times[item], column, item))
            except PayloadError as error:
                self.refuse(error, 1)

    def append(
        self,
        item: int,
        channel: str,
        time: str,
        value: float,
        unit: str,
        quality: Quality,
        reset: bool,
        correction: int,
    ) -> None:
        raw, row = self.raw, len(self.raw)
        raw.message.append(self.position)
        raw.channel.append(channel)
        raw.time.append(time)
        raw.value.append(value)
        raw.unit.append(unit)
        raw.item.append(item)
        if quality is not Quality.GOOD:
            raw.quality[row] = quality
        if reset:
            raw.reset.add(row)
        if correction:
            raw.correction[row] = correction


def _single(reading: dict[str, Any], at: str) -> Cell:
    for key in ("channel", "time", "value"):
        if key not in reading:
            raise PayloadError(Code.SCHEMA, f"{at}{key}", f"no {key}; every reading has one")
    return (
        fields.channel(reading["channel"], f"{at}channel"),
        fields.time(reading["time"], f"{at}time"),
        fields.value(reading["value"], f"{at}value"),
        fields.unit(reading.get("unit"), f"{at}unit"),
        fields.quality(reading.get("quality"), f"{at}quality"),
        fields.reset(reading.get("reset"), f"{at}reset"),
        fields.correction(reading.get("correction"), f"{at}correction"),
    )


def _cell(channel: str, time: Any, column: dict[str, Any], item: int) -> Cell:
    at = f"columns.{channel}."
    quality, reset, correction = (
        None if column.get(key) is None else column[key][item] for key in ("quality", "reset", "correction")
    )
    return (
        channel,
        fields.time(time, f"time[{item}]"),
        fields.value(column["values"][item], f"{at}values[{item}]"),
        column["unit"],
        fields.quality(quality, f"{at}quality[{item}]"),
        fields.reset(reset, f"{at}reset[{item}]"),
        fields.correction(correction, f"{at}correction[{item}]"),
    )


def _checked_column(channel: str, times: Any, column: Any) -> dict[str, Any]:
    """Return a column whose id and unit are good and whose lists have one entry a time."""
    at = f"columns.{channel}"
    if not isinstance(times, list):
        raise PayloadError(Code.SCHEMA, "time", "no array; send the times that the columns share")
    fields.channel(channel, at)
    if not isinstance(column, dict):
        raise PayloadError(Code.SCHEMA, at, "no object; send unit and values")
    if not isinstance(column.get("values"), list):
        raise PayloadError(Code.SCHEMA, f"{at}.values", "no array; send one value, or null, for each time")
    fields.unit(column.get("unit"), f"{at}.unit")
    for key in ("values", "quality", "reset", "correction"):
        _check_length(column.get(key), len(times), f"{at}.{key}")
    return column


def _check_length(entries: Any, count: int, path: str) -> None:
    if entries is None:
        return
    if not isinstance(entries, list):
        raise PayloadError(Code.SCHEMA, path, "no array; send one entry, or null, for each time")
    if len(entries) != count:
        raise PayloadError(Code.SCHEMA, path, f"{len(entries)} entries for {count} times; send one for each")


def _present(column: Any) -> int:
    """Return how many readings a column has, or would have."""
    values = column.get("values") if isinstance(column, dict) else None
    return len(values) - values.count(None) if isinstance(values, list) else 0
