"""Texts that people read, in Vietnamese and in English."""

from typing import Annotated

from pydantic import StringConstraints

from plant.documents.fields import Part

LONGEST_TEXT = 4000  # characters


class TextPart(Part):
    """A text in Vietnamese, in English or in both; where one is missing the other is told."""

    vi: Annotated[str, StringConstraints(max_length=LONGEST_TEXT)] = ""
    """In Vietnamese."""
    en: Annotated[str, StringConstraints(max_length=LONGEST_TEXT)] = ""
    """In English."""
