"""Addresses that people write into settings: what can be none is refused where it is read, not where it is first used."""

import re
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

LONGEST_HOST = 253
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def checked_url(text: str, schemes: Collection[str], *, path: bool = True) -> SplitResult:
    """Return the parts of a URL with a host; raise ValueError, which quotes nothing of it, where it cannot be one.

    Parameters
    ----------
    schemes
        Those that it may have.
    path
        Whether it may have one; a query or a fragment it has not.
    """
    forms = " or ".join(f"{one}://host:port" for one in schemes)
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError(f"expected {forms}, in ASCII and without spaces")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"expected {forms}: {str(error)[:1].lower()}{str(error)[1:80]}") from error
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"expected {forms}, not {parts.scheme or '?'}://…")
    if not is_host(parts.hostname) or port == 0:
        raise ValueError(f"expected {forms}: it names no host, or port 0")
    if parts.query or parts.fragment or (parts.path not in ("", "/") and not path):
        raise ValueError(f"expected {forms} and nothing behind it")
    return parts


def addresses(text: str) -> list[str]:
    """Return the addresses of a text that has them separated by commas."""
    return [one.strip() for one in text.split(",")]


def is_host(text: str) -> bool:
    """Tell whether it may be a host's name or address."""
    if ":" in text:
        return True  # in brackets, which urlsplit has checked
    labels = text.removesuffix(".").split(".")
    return len(text) <= LONGEST_HOST and all(_NAME.fullmatch(label) for label in labels)
