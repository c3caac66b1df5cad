"""The types of a configuration's fields, and the base of its parts."""

from collections.abc import Iterator
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from plant import units
from plant.clock import DURATION, INSTANT, parse_duration, parse_instant

Fault = tuple[str, str]  # a field, and what is wrong with it


def _known_unit(symbol: str) -> str:
    units.unit(symbol)
    return symbol


def _web_address(url: str) -> str:
    """Return a URL with a host and without credentials."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("is not an https address with a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("has credentials in it; a webhook is signed with its secret instead")
    if parts.port == 0:
        raise ValueError("has no port 0")
    return url


Duration = Annotated[
    int,
    BeforeValidator(parse_duration),
    WithJsonSchema(
        {"type": "string", "pattern": f"^{DURATION}$", "examples": ["60s", "15min", "24h", "45d"]}
    ),
]
Instant = Annotated[
    int,
    BeforeValidator(parse_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": f"^{INSTANT}$"}),
]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
ChannelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_./:-]{0,127}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Evidence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Symbol = Annotated[str, AfterValidator(_known_unit), Field(examples=["kWh", "m3/h", "Nm3/h", "%"])]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, lt=1)]
Year = Annotated[int, Field(ge=1990, le=2260)]
Url = Annotated[
    str, StringConstraints(max_length=2048, pattern=r"^[\x21-\x7e]+$"), AfterValidator(_web_address)
]


class Part(BaseModel):
    """A part of a configuration: nothing is converted, and no key is unknown."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    def faults(self) -> Iterator[Fault]:
        """Yield what the fields contradict among each other."""
        yield from ()

    @model_validator(mode="after")
    def _without_faults(self) -> Self:
        # An instance without fields stands for a part that was refused before: see documents.salvage.
        faults = list(self.faults()) if self.model_fields_set else []
        if faults:
            raise ValidationError.from_exception_data(
                type(self).__name__, [refusal((name,), message) for name, message in faults]
            )
        return self


def refusal(path: tuple[str | int, ...], message: str) -> InitErrorDetails:
    """Return what is wrong with a key of a part as pydantic tells it."""
    return InitErrorDetails(
        type=PydanticCustomError("value_error", "{error}", {"error": message}), loc=path, input=None
    )


def exactly_one(part: Part, *names: str) -> Iterator[Fault]:
    """Yield a fault unless exactly one of the fields is given."""
    given = [name for name in names if getattr(part, name) is not None]
    if len(given) != 1:
        yield (given or names)[-1], f"exactly one of {', '.join(names)} is given"
