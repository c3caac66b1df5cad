"""What every format gives: a function from one payload to raw readings. A format is a module of this folder.

The module `senml_json` is the format `senml-json`. It has one function, `decoder(options)`, which returns the `Decode` for
the options of a subscription or raises `OptionError`. Nothing else knows a format's name.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ingest.formats.columns import Envelope, RawReadings, Refusal
from ingest.formats.strict import PayloadError
from plant.vocabulary import Code

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a payload came from."""

    position: int  # of its message in the micro-batch
    gateway: str  # the gateway's name
    received: int  # ns UTC
    retained: bool = False
    words: Mapping[str, str] = field(default_factory=dict)  # the named levels of its topic


Decode = Callable[[bytes, Origin, RawReadings, list[Refusal]], Envelope]


class OptionError(Exception):
    """An option of a subscription is unknown or wrong; `key` says which, the text what to write instead."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def no_options(options: Mapping[str, Any]) -> None:
    """Refuse any option, for a format that has none."""
    for key in options:
        raise OptionError(key, "this format has no options")


def formats() -> list[str]:
    """Return the names of the formats that a subscription may have, in order."""
    return sorted(name.replace("_", "-") for name in _modules() if hasattr(_module(name), "decoder"))


def decoder_of(name: str, options: Mapping[str, Any]) -> Decode:
    """Return what decodes a format, made safe: whatever a payload provokes is a refusal, and leaves no reading behind.

    Raises
    ------
    OptionError
        With the key `format` where there is no such format, else with that of a wrong option.
    """
    wanted = name.replace("-", "_")
    found: Any = _module(wanted) if wanted in _modules() else None
    if not hasattr(found, "decoder"):
        raise OptionError("format", f"there is no format {name}; there are {', '.join(formats())}")
    decode: Decode = found.decoder(options)
    return _safe(decode)


def _safe(decode: Decode) -> Decode:
    def safe(payload: bytes, origin: Origin, raw: RawReadings, refusals: list[Refusal]) -> Envelope:
        def decoded() -> Envelope:
            try:
                return decode(payload, origin, raw, refusals)
            except PayloadError:
                raise
            except Exception as error:  # whatever a payload provokes, the next message must not notice
                raise PayloadError(
                    Code.DECODER, "", f"{type(error).__name__}: {error}; please report this"
                ) from error

        envelope = guarded(decoded, origin.position, raw, refusals)
        return envelope or Envelope(None, None, len(raw), 0, decoded=False, refused=0)

    return safe


def guarded(
    decode: Callable[[], Made], position: int, raw: RawReadings, refusals: list[Refusal]
) -> Made | None:
    """Return what `decode` makes of a message; where it refuses it, note that in place of all readings, and return None."""
    first, earlier = len(raw), len(refusals)
    try:
        return decode()
    except PayloadError as error:
        refusal = Refusal(position, error.code, error.path, error.detail)
    raw.roll_back(first)
    del refusals[earlier:]
    refusals.append(refusal)
    return None


def _modules() -> list[str]:
    from ingest import formats as folder  # noqa: PLC0415  looked at only when somebody asks

    return [module.name for module in pkgutil.iter_modules(folder.__path__)]


def _module(name: str) -> Any:
    return importlib.import_module(f"ingest.formats.{name}")
