"""Times: datetime is the oracle of what is good, and the column agrees with the single text."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.times import FIRST_YEAR, LAST_YEAR, parse_time, parse_times
from plant.vocabulary import NS_PER_S, Code

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
ENOUGH = 60  # distinct texts from which the column is parsed with numpy

zones = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
first, last = datetime.fromisoformat(f"{FIRST_YEAR}-01-02"), datetime.fromisoformat(f"{LAST_YEAR}-12-30")
moments = st.datetimes(first, last, timezones=zones)
filler = [f"2026-11-24T05:{minute:02}:00Z" for minute in range(ENOUGH)]


def nanoseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND * 1000


def spelled(moment: datetime, style: int) -> str:
    text = moment.isoformat()
    if style % 2:
        text = moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return text.lower() if style > 1 else text


def both_ways(text: str) -> int | Code:
    """Parse one text alone and amid many; they must agree."""
    alone = parse_time(text)
    times, codes = parse_times([*filler, text])
    amid = codes.get(ENOUGH, int(times[ENOUGH]))
    assert amid == alone
    assert set(codes) <= {ENOUGH}
    return alone


@given(moments, st.integers(0, 3))
def test_a_good_time_is_what_datetime_makes_of_it(moment: datetime, style: int) -> None:
    assert both_ways(spelled(moment, style)) == nanoseconds(moment)


@given(st.lists(moments, min_size=ENOUGH, max_size=80), st.integers(0, 3))
def test_a_column_is_what_datetime_makes_of_each(moments: list[datetime], style: int) -> None:
    times, codes = parse_times([spelled(moment, style) for moment in moments])

    assert codes == {}
    assert times.tolist() == [nanoseconds(moment) for moment in moments]


@given(moments, st.text("0123456789", min_size=1, max_size=9), st.sampled_from(["Z", "+00:00", "-00:00"]))
def test_up_to_nine_digits_of_a_second_are_kept(moment: datetime, digits: str, zone: str) -> None:
    moment = moment.astimezone(UTC).replace(microsecond=0, tzinfo=None)
    text = f"{moment.isoformat()}.{digits}{zone}"

    expected = nanoseconds(moment.replace(tzinfo=UTC)) + int(digits.ljust(9, "0"))
    assert both_ways(text) == expected


@given(moments, st.data())
def test_a_damaged_time_is_judged_alike_alone_and_amid_many(moment: datetime, data: st.DataObject) -> None:
    text = spelled(moment, data.draw(st.integers(0, 3)))
    place = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 2))
    new = data.draw(st.text("0123456789+-:.TtZz \x00\n٣é", max_size=2))

    both_ways(text[:place] + new + text[place + cut :])


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_has_a_code(text: str) -> None:
    both_ways(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2026-11-24T05:00:00", Code.TS_NAIVE),
        ("2026-11-24T05:00:00.5", Code.TS_NAIVE),
        ("2026-11-24T05:00:00.1234567890Z", Code.TS_PRECISION),
        ("2026-11-24T05:00:00.0000000000Z", Code.TS_PRECISION),
        ("1677-12-31T23:59:59Z", Code.TS_OLD),
        ("0000-02-29T00:00:00Z", Code.TS_OLD),
        ("2262-01-01T00:00:00Z", Code.TS_FUTURE),
        ("9999-12-31T23:59:59Z", Code.TS_FUTURE),
        *(
            (text, Code.TS_INVALID)
            for text in (
                "2026-11-24T24:00:00Z",
                "2026-11-24T23:60:00Z",
                "2016-12-31T23:59:60Z",
                "2026-02-30T00:00:00Z",
                "2100-02-29T00:00:00Z",
                "2026-13-01T00:00:00Z",
                "2026-00-01T00:00:00Z",
                "2026-11-00T00:00:00Z",
                "2026-W48-2T05:00:00Z",
                "2026-328T05:00:00Z",
                "20261124T050000Z",
                "2026-11-24 05:00:00Z",
                "2026-11-24T05:00Z",
                "2026-11-24T05:00:00,5Z",
                "2026-11-24T05:00:00.Z",
                "2026-11-24T05:00:00+0700",
                "2026-11-24T05:00:00+07",
                "2026-11-24T05:00:00+24:00",
                "2026-11-24T05:00:00+07:60",
                "2026-11-24T05:00:00\u221207:00",
                "2026-11-24T05:00:00Z\x00",
                "2026-11-24T05:00:00Z\n",
                " 2026-11-24T05:00:00Z",
                "٢٠٢٦-11-24T05:00:00Z",
                "+12026-11-24T05:00:00Z",
                "-026-11-24T05:00:00Z",
                "1764000000",
                "now",
                "",
            )
        ),
    ],
)
def test_a_time_that_leaves_a_choice_is_refused(text: str, code: Code) -> None:
    assert both_ways(text) is code


def test_the_first_and_last_years_fit_in_every_zone() -> None:
    assert both_ways(f"{FIRST_YEAR}-01-01T00:00:00+23:59") == nanoseconds(
        datetime(FIRST_YEAR, 1, 1, tzinfo=timezone(timedelta(hours=23, minutes=59)))
    )
    assert both_ways(f"{LAST_YEAR}-12-31T23:59:59-23:59") == nanoseconds(
        datetime(LAST_YEAR, 12, 31, 23, 59, 59, tzinfo=timezone(-timedelta(hours=23, minutes=59)))
    )


def test_equal_texts_give_equal_times_and_codes() -> None:
    """Gateways stamp a hundred readings alike."""
    times, codes = parse_times(["2026-11-24T05:00:01Z", "soon", "2026-11-24T05:00:01Z", "soon"] * 50)

    assert set(codes) == set(range(1, 200, 2))
    assert len(np.unique(times[::2])) == 1
    assert times[0] % NS_PER_S == 0
    assert not times[1::2].any()


def test_no_texts_are_no_times() -> None:
    times, codes = parse_times([])

    assert (times.dtype, len(times), codes) == (np.int64, 0, {})
