"""Matchers on an alert's labels as people write them: `severity="critical"`, `channel=~"mdb1/.*"`.

A regular expression is bounded in length and in what it may repeat, so that no label can make it run for long: people
write matchers into silences while the line runs.
"""

import re
from collections.abc import Collection, Iterator, Sequence

from plant.alerting import Matcher
from plant.suggest import did_you_mean

LONGEST = 200  # [characters] of a matcher's value
MOST_CHOICES = 3  # * + ? and groups with alternatives in one regular expression

_MATCHER = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_]{0,63})\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*')
_CLASS = re.compile(r"\[\^?\]?(?:[^\]\\]|\\.)*\]")
_PLAIN = re.compile(r"\\.")


def matcher(text: str) -> Matcher:
    """Return the matcher that a text says.

    Raises
    ------
    ValueError
        It is written otherwise, too long, or no regular expression that is safe to run.
    """
    found = _MATCHER.fullmatch(text)
    if found is None:
        raise ValueError(f'a matcher is written like severity="critical", with =, !=, =~ or !~; not {text!r}')
    label, operator, value = found.groups()
    value = re.sub(r'\\(["\\])', r"\1", value) if operator in ("=", "!=") else value.replace('\\"', '"')
    if len(value) > LONGEST:
        raise ValueError(f"a matcher's value has at most {LONGEST} characters")
    if operator in ("=~", "!~"):
        _check(value)
    return Matcher(label, operator, value)


def faults(texts: Sequence[str], labels: Collection[str]) -> Iterator[tuple[int, str]]:
    """Yield the place of each matcher that cannot be read, or names a label that is none of `labels`, and what is wrong."""
    for place, text in enumerate(texts):
        try:
            label = matcher(text).label
        except ValueError as error:
            yield place, str(error)
            continue
        if label not in labels:
            yield place, f"no alert has a label {label}{did_you_mean(label, labels)}"


def _check(pattern: str) -> None:
    """Refuse a pattern whose search could take more than a low power of the label's length."""
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
    if re.search(r"\\[0-9]", pattern):
        raise ValueError("a matcher's regular expression has no references")
    bare = _CLASS.sub("c", _PLAIN.sub("c", pattern))
    if re.search(r"\(\?|\{|\)[*+?]", bare):
        raise ValueError(
            "a matcher's regular expression repeats single characters only, with * + ?, and has no (?…)"
        )
    choices = sum(bare.count(one) for one in "*+?") + bare.count("(")
    if choices > MOST_CHOICES:
        raise ValueError(f"a matcher's regular expression has at most {MOST_CHOICES} of * + ? and groups")
