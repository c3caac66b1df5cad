"""How the columns of a CSV file become readings: the mapping file of a replay."""

from collections.abc import Mapping as Dict
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from yaml import YAMLError

from simulators.message import Address
from simulators.payload import Point
from simulators.yaml_text import read_yaml


class MappingError(ValueError):
    """The mapping file is not what it should be; the message says where."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the file: the channel and unit it becomes, after multiplying by `scale`."""

    name: str
    point: Point
    scale: float


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping file, read and checked."""

    encoding: str
    delimiter: str
    time_column: str
    time_format: str
    zone: tzinfo
    midnight_ends_day: bool
    address: Address
    boot: str
    readings_per_message: int
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        if self.readings_per_message < 1:
            raise MappingError(f"readings_per_message: must be at least 1, not {self.readings_per_message}")

    @property
    def points(self) -> tuple[Point, ...]:
        """What the payloads call the columns, in the file's order."""
        return tuple(column.point for column in self.columns)


def read_mapping(path: Path) -> Mapping:
    """Return the mapping that a YAML file describes.

    Raises
    ------
    MappingError
        If the file is no YAML, or a key is missing, unknown or of the wrong type.
    """
    try:
        return _mapping(_Section(read_yaml(path), ""))
    except (MappingError, YAMLError, RecursionError) as error:
        raise MappingError(f"{path}: {error}") from error


class _Section:
    """One level of the file. Whatever is not taken from it by `close` is an unknown key."""

    def __init__(self, values: Any, at: str) -> None:
        if not isinstance(values, Dict):
            raise MappingError(f"{at.rstrip('.') or 'the file'}: must be a mapping")
        self._values = dict(values)
        self._at = at

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        value = self._values.pop(key, default)
        wanted = (int, float) if kind is float else kind
        if not isinstance(value, wanted) or (isinstance(value, bool) and kind is not bool):
            problem = "missing" if value is None else f"must be a {kind.__name__}, not {value!r}"
            raise MappingError(f"{self._at}{key}: {problem}")
        return value

    def section(self, key: str, default: Any = None) -> "_Section":
        return _Section(self._values.pop(key, default), f"{self._at}{key}.")

    @property
    def rest(self) -> list[str]:
        return list(self._values)

    def close(self) -> None:
        if self._values:
            raise MappingError(f"{self._at}{next(iter(self._values))}: unknown key")


def _mapping(root: _Section) -> Mapping:
    file, time, topic = root.section("file", {}), root.section("time"), root.section("topic")
    mapping = Mapping(
        encoding=file.take("encoding", str, "utf-8"),
        delimiter=file.take("delimiter", str, ","),
        time_column=time.take("column", str),
        time_format=time.take("format", str),
        zone=_zone(time),
        midnight_ends_day=time.take("midnight_ends_day", bool, default=False),
        address=Address(topic.take("park", str), topic.take("facility", str), topic.take("gateway", str)),
        boot=root.take("boot", str),
        readings_per_message=root.take("readings_per_message", int, 100),
        columns=_columns(root.section("columns")),
    )
    for section in (file, time, topic, root):
        section.close()
    return mapping


def _columns(section: _Section) -> tuple[Column, ...]:
    columns = tuple(_column(name, section.section(name)) for name in section.rest)
    if not columns:
        raise MappingError("columns: names no column")
    return columns


def _column(name: str, section: _Section) -> Column:
    point = Point(section.take("channel", str), section.take("unit", str))
    column = Column(name, point, float(section.take("scale", float, 1.0)))
    section.close()
    return column


def _zone(time: _Section) -> tzinfo:
    given = [key for key in ("utc_offset", "zone") if key in time.rest]
    if len(given) != 1:
        raise MappingError("time: needs either utc_offset or zone")
    text = time.take(given[0], str)
    try:
        return ZoneInfo(text) if given[0] == "zone" else _fixed(text)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise MappingError(f"time.{given[0]}: {error}") from error


def _fixed(text: str) -> tzinfo:
    offset = datetime.strptime(text, "%z").utcoffset()
    return timezone(offset if offset is not None else timedelta())
