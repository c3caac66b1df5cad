"""What is wrong with a value, in our words: pydantic's own speak of inputs, schemas and regular expressions."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from plant.clock import DURATION, INSTANT
from plant.suggest import did_you_mean
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, NS_PER_S

# What a regular expression of ours asks for; every one that a user can meet stands here.
FORMS = {
    r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$": "should be a name of at most 64 letters, digits, `_`, `.` and `-`",
    r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$": "should be a name of at most 40 letters, digits, `_`, `.` and `-`",
    r"^[A-Za-z0-9_-]{1,32}$": "should be a name of at most 32 letters, digits, `_` and `-`",
    r"^[A-Za-z0-9_-]{1,60}$": "should be a name of at most 60 letters, digits, `_` and `-`",
    r"^[A-Za-z0-9][A-Za-z0-9_./:-]{0,127}$": "should be a name of at most 128 letters, digits, `_`, `.`, `/`, `:` and `-`",
    r"^[A-Za-z0-9_.*/:-]{1,128}$": "should be a name, or a part of names with `*` for the rest, such as `mdb*/power`",
    r"^[a-z][a-z0-9_-]{0,63}$": "should be a word of at most 64 small letters, digits, `_` and `-`",
    r"^[a-z][a-z0-9_]{0,31}$": "should be a word of at most 32 small letters, digits and `_`",
    r"^[a-z0-9][a-z0-9_-]{0,63}$": "should be a name of at most 64 small letters, digits, `_` and `-`",
    r"^[A-Za-z_][A-Za-z0-9_]*$": "should be the name of an environment variable, such as WEBHOOK_SECRET",
    r"^([A-Za-z_][A-Za-z0-9_]{0,63}|\.\.\.)$": "should be the name of a label, or `...` for all",
    r"^[A-Za-z0-9][A-Za-z0-9_.,-]{0,31}$": "should be a symbol of at most 32 letters, digits, `_`, `.`, `,` and `-`, such as PM2,5",
    r"^[!-~]{1,16}$": "should be at most 16 plain signs without spaces",
    r"^([A-Za-z0-9_.-]{1,16})?$": "should be at most 16 letters, digits, `_`, `.` and `-`, or nothing",
    r"^[A-Za-z0-9{][A-Za-z0-9_.%{}:+-]*$": "should be a name of letters, digits, `_`, `.`, `+` and `-`, with {station} and {time:%Y%m%d%H%M%S}",
    r"^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,2}$": "should be a host key as ssh-keyscan prints it behind the host: ssh-ed25519 AAAA…",
    r"^[^\s#+]{1,200}$": "should be at most 200 characters without spaces, `#` and `+`",
    r"^[^/+#\s]{1,200}$": "should be at most 200 characters without spaces, `/`, `#` and `+`",
    r"^[^\x00-\x1f\x7f-\x9f]*$": "should be text on one line, without characters that do not print",
    r"^[\x21-\x7e]+$": "should be plain letters, digits and signs without spaces",
    r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$": "should be hours such as 22:00-06:00",
    r"^[^/+#\x00-\x1f\x7f]+/[^/+#\x00-\x1f\x7f]+/[^/+#\x00-\x1f\x7f]+$": "should be park/facility/gateway, such as nam-cau-kien/mill/history-2025",
    r"^(rfc3339|arrival|s|ms|us|ns|.*%.*)$": "should be rfc3339, arrival, s, ms, us, ns, or a pattern such as %Y-%m-%d %H:%M",
    r"^([0-9a-f]{2}){1,4}$": "should be one to four bytes in hexadecimal, such as 0175",
    r"^([us]8|[us](16|24|32|48|64)(be|le)|f(32|64)(be|le))$": "should be a type such as u16be, s32le or f32be",
    r"^(today|month|year|[0-9]{4}|[0-9]{4}-[0-9]{2}|[0-9]{4}-[0-9]{2}-[0-9]{2})$": (
        "should be today, month, year, or written like 2026, 2026-11 or 2026-11-24"
    ),
    r"^[0-9]{4}(-(0[1-9]|1[0-2]))?(,[0-9]{4}(-(0[1-9]|1[0-2]))?)?$": "should be a year, a month, or two of them: 2025, 2025-10 or 2025,2026",
    r"^sha256:[0-9a-f]{64}$": "should be the digest of a file, sha256: and 64 hexadecimal digits",
    r"^[0-9]{1,18}-[0-9]{1,18}$": "should be the id of a record, such as 1042-1",
    r"^[0-9]{4}-(0[1-9]|1[0-2])$": "should be a month such as 2026-10",
    r"^[0-9]{4}$": "should be a year such as 2026",
    r"^[0-9]{4}(-[0-9]{4})?$": "should be a year or two of them with a dash, such as 2026 or 2025-2026",
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$": "should be a day such as 2026-11-30",
    r"^[0-9]{1,18}(-[0-9]{1,18})?$": "should be the id of a movement, such as 1042 or 1042-1",
    r"^[0-9a-z]+$": "should be the id of a report: small letters and digits",
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$": "should be a day such as 2027-03-01, in quotation marks",
    r"^[^\x00-\x1f\x7f]*$": "should be text on one line",
    r"[\S\x1c-\x1f]": "should be more than blanks",
    r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$": "should be text on one line, and more than blanks",
    r"^[^\x00-\x09\x0b-\x1f\x7f]*$": "should be text, without characters that do not print",
    f"^{DURATION}$": "should be a duration such as 30s, 15min, 2h or 1d",
    f"^{INSTANT}$": "should be a time with its zone, such as 2026-11-24T10:00:00+07:00",
}
_KINDS = {
    "missing": "is required",
    "bool": "should be true or false",
    "int": "should be a whole number",
    "string": "should be text",
    "list": "should be a list",
    "dict": "should be a mapping of keys to values",
    "model": "should be a mapping of keys to values",
    "path": "should be a path",
}
_UNITS = (("d", NS_PER_DAY), ("h", NS_PER_HOUR), ("min", NS_PER_MIN), ("s", NS_PER_S))


def in_words(
    mistake: ErrorDetails, model: Any = None, path: Sequence[str | int] = (), *, secret: bool = False
) -> str:
    """Return what is wrong, and what to write instead.

    Parameters
    ----------
    mistake
        As pydantic tells it.
    model, path
        The model that was not met, and where in it, so that the keys that it knows can be named.
    secret
        What was given is not repeated.
    """
    kind, said = mistake["type"], mistake.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(str(path[-1]), annotation_at(model, path[:-1]))
    if kind == "missing":
        return _KINDS["missing"]
    if kind == "value_error":
        return str(said["error"])
    given = mistake["input"]
    if kind in ("literal_error", "enum"):
        return _unknown_word(given, str(said["expected"]), secret=secret)
    if kind in ("too_long", "too_short"):
        side, limit = (
            ("at most", said["max_length"]) if kind == "too_long" else ("at least", said["min_length"])
        )
        return f"should have {side} {limit} of them, not {said['actual_length']}"
    wanted = _wanted(kind, said, given, mistake["msg"])
    return wanted if secret else f"{wanted}, not {short(given)}"


def _wanted(kind: str, said: Mapping[str, Any], given: Any, otherwise: str) -> str:
    if kind == "string_pattern_mismatch":
        return FORMS.get(str(said["pattern"]), "does not have the form that it should")
    if (
        kind.endswith(("_type", "_parsing", "_parsing_size", "_from_float"))
        and (of := kind.partition("_")[0]) in _KINDS
    ):
        return _KINDS[of]
    if kind in ("less_than_equal", "greater_than_equal") and isinstance(given, str):
        limit = next(iter(said.values()))
        side = "at most" if kind == "less_than_equal" else "at least"
        return f"should be {side} {_duration(limit) if re.fullmatch(DURATION, given) else limit}"
    return (
        otherwise.removeprefix("Input ").removeprefix("String ").removeprefix("List ").removeprefix("Value ")
    )


def _duration(ns: int) -> str:
    return next(f"{ns // length}{unit}" for unit, length in (*_UNITS, ("ns", 1)) if not ns % length)


def _unknown_word(given: Any, expected: str, *, secret: bool) -> str:
    if secret:
        return f"should be {expected}"
    meant = did_you_mean(str(given), re.findall(r"'(.*?)'", expected))
    return f"{short(given)} is not {expected}{meant}"


def short(value: Any) -> str:
    """Return a value as a message shows it."""
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _unknown_key(key: str, kind: Any) -> str:
    known = [f.alias or name for name, f in kind.model_fields.items()] if is_model(kind) else []
    return "unknown key" + (did_you_mean(key, known) or (f"; known are {', '.join(known)}" if known else ""))


def is_model(kind: Any) -> bool:
    """Return whether a type is a model."""
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def annotation_at(model: Any, path: Sequence[str | int]) -> Any:
    """Return what a model declares at a path, None where it declares nothing there."""
    kind = model
    for part in path:
        if is_model(kind):
            found = next((f for name, f in kind.model_fields.items() if (f.alias or name) == part), None)
            kind = found.annotation if found else None
        else:
            arguments = get_args(kind)
            kind = arguments[-1] if arguments else None
        kind = _without_none(kind)
    return kind


def _without_none(kind: Any) -> Any:
    if get_origin(kind) in (Union, type(int | None)):
        return next(k for k in get_args(kind) if k is not type(None))
    return kind
