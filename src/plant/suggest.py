"""The nearest known word to a mistaken one, for error messages."""

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST = 64  # a longer word is no typing mistake, and comparing it would cost time


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most like `word`, letter case aside first; None where none is near."""
    if len(word) > LONGEST:
        return None
    words = list(known)
    same = [k for k in words if k.casefold() == word.casefold()]
    return next(iter(same or get_close_matches(word, words, n=1)), None)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean …?)`, or nothing where no known word is near."""
    word_meant = nearest(word, known)
    return f" (did you mean {word_meant}?)" if word_meant else ""
