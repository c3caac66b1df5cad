"""Numbers of people: golden case R62a, what is refused, and that what is written is read again."""

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant.clock import parse_instant
from plant.languages import Language, paper_time_text
from plant.numbers import NoNumber, format_number, parse_number

R62A = json.loads((Path(__file__).parents[1] / "cases/programme/R62a.json").read_text(encoding="utf-8"))
PARSED = [
    (text, None if language == "unset" else language, expected)
    for text, by_language in R62A["expected"]["parse"].items()
    for language, expected in by_language.items()
]


@pytest.mark.parametrize("language", ["vi", "en"])
def test_golden_r62a_a_number_is_written_as_people_write_it(language: Language) -> None:
    given = R62A["inputs"]

    assert format_number(given["value"], language, given["decimals"]) == R62A["expected"][language]["number"]


@pytest.mark.parametrize("language", ["vi", "en"])
def test_golden_r62a_a_time_is_written_as_papers_have_it(language: Language) -> None:
    given = R62A["inputs"]

    told = paper_time_text(parse_instant(given["time"]), ZoneInfo(given["zone"]), language)

    assert told == R62A["expected"][language]["time"]


@pytest.mark.parametrize(("text", "language", "expected"), PARSED)
def test_golden_r62a_a_number_is_read_as_it_was_meant_or_not_at_all(
    text: str, language: Language | None, expected: float | str
) -> None:
    if expected == "refused":
        with pytest.raises(NoNumber):
            parse_number(text, language)
    else:
        assert parse_number(text, language) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,2,3",
        "12.34.567",
        "1.2345,6.7",
        "1e5",
        "NaN",
        "inf",
        "0x10",
        "1 234",
        "=1",
        "--1",
        "١٢",
        "9" * 65,
    ],
)
@pytest.mark.parametrize("language", ["vi", "en", None])
def test_what_is_no_number_is_refused(text: str, language: Language | None) -> None:
    with pytest.raises(NoNumber):
        parse_number(text, language)


@pytest.mark.parametrize(("text", "expected"), [("1234", 1234), (" 310000 ", 310_000), ("-5", -5), ("+5", 5)])
def test_whole_digits_need_no_language(text: str, expected: float) -> None:
    assert parse_number(text, None) == expected


@given(st.decimals(-(10**12), 10**12, places=3), st.sampled_from(["vi", "en"]))
def test_what_is_written_is_read_again(value: object, language: Language) -> None:
    number = float(str(value))

    assert parse_number(format_number(number, language, 3), language) == number


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (-0.001, 2, "0.00"),
        (2.675, 2, "2.68"),
        (0.5, 0, "0"),
        (1e28, 1, "10,000,000,000,000,000,000,000,000,000.0"),
        (1e15, 0, "1,000,000,000,000,000"),
    ],
)
def test_a_number_is_rounded_as_it_is_written(value: float, digits: int, expected: str) -> None:
    assert format_number(value, "en", digits) == expected
