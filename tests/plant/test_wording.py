"""What is wrong with a value is said in our words: no regular expression, no schema, no input."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from plant.configuration.about import AboutFile
from plant.configuration.load import json_schema
from plant.devices.profiles import MappingPart
from plant.documents.documents import spelled
from plant.documents.fields import Duration
from plant.documents.wording import FORMS, in_words
from plant.vocabulary import NS_PER_DAY
from stackmeter.settings import Settings

API = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
RAW = (
    "Input",
    "input",
    "valid string",
    "valid integer",
    "pattern",
    "Extra",
    "Field",
    "Value error",
    "nput should",
)


def patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        schema = list(schema.values())
    if isinstance(schema, list):
        for one in schema:
            yield from patterns(one)


@pytest.mark.parametrize(
    "schema",
    [
        json_schema(),
        AboutFile.model_json_schema(),
        MappingPart.model_json_schema(),
        Settings.model_json_schema(),
        API,
    ],
)
def test_solid_c_every_form_that_a_value_must_have_is_said_in_words(schema):
    assert set(patterns(schema)) - set(FORMS) == set()


class Sample(BaseModel, strict=True, extra="forbid"):
    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$", default="a")
    text: str = Field(max_length=3, min_length=1, default="a")
    count: int = Field(ge=0, le=5, default=1)
    rate: float = Field(gt=0, default=1)
    is_on: bool = False
    several: list[int] = Field(max_length=2, default=[])
    way: Literal["up", "down"] = "up"
    wait: Annotated[Duration, Field(le=NS_PER_DAY)] = 1
    inner: "Sample | None" = None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "A b"}, "should be a word of at most 64 small letters, digits, `_` and `-`, not 'A b'"),
        ({"name": 7}, "should be text, not 7"),
        ({"text": "long"}, "should have at most 3 characters, not 'long'"),
        ({"count": "3"}, "should be a whole number, not '3'"),
        ({"count": 1.5}, "should be a whole number, not 1.5"),
        ({"count": 7}, "should be less than or equal to 5, not 7"),
        ({"rate": 0}, "should be greater than 0, not 0"),
        ({"is_on": "yes"}, "should be true or false, not 'yes'"),
        ({"several": 3}, "should be a list, not 3"),
        ({"several": [1, 2, 3]}, "should have at most 2 of them, not 3"),
        ({"way": "dwn"}, "'dwn' is not 'up' or 'down' (did you mean down?)"),
        ({"wait": "2d"}, "should be at most 1d, not '2d'"),
        ({"inner": {"txt": 1}}, "unknown key (did you mean text?)"),
        ({"zzzz": 1}, "unknown key; known are name, text, count, rate, is_on, several, way, wait, inner"),
        (3, "should be a mapping of keys to values, not 3"),
    ],
)
def test_solid_c_a_mistake_is_said_in_our_words(given, words):
    with pytest.raises(ValidationError) as caught:
        Sample.model_validate(given)

    [mistake] = caught.value.errors()
    assert spelled(mistake, Sample) == words
    assert not any(word in words for word in RAW)


def test_what_is_secret_is_not_repeated():
    with pytest.raises(ValidationError) as caught:
        Sample.model_validate({"text": "hunter2"})

    assert in_words(caught.value.errors()[0], secret=True) == "should have at most 3 characters"
