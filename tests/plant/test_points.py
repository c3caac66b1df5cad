"""Point lists: the same channels as in YAML, from a spreadsheet's CSV file."""

from pathlib import Path

import pytest

from plant.configuration import points as point_lists
from plant.configuration.channel_model import ChannelPart
from plant.configuration.points import PointList
from plant.documents.problems import ConfigurationError
from plant.vocabulary import NS_PER_MIN, Kind

HEADER = "name,gateway,kind,unit,quantity"
ROW = "mdb/energy,g1,register,kWh,electricity"


def points(tmp_path: Path, content: str | bytes) -> PointList:
    file = tmp_path / "points.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return PointList(file)


def channel(**keys: object) -> ChannelPart:
    return ChannelPart.model_validate({"gateway": "g1", "quantity": "electricity", **keys})


def problems_of(tmp_path: Path, content: str | bytes) -> list[str]:
    """Return what is said of a list, whether it stops the reading or not."""
    found = points(tmp_path, content)
    try:
        list(found)
    except ConfigurationError as error:
        found.problems += error.problems
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in found.problems]


def test_a_row_is_what_yaml_would_have_given(tmp_path: Path) -> None:
    """Every column that there is, by the model's own rules."""
    text = (
        "name,gateway,kind,unit,quantity,min,max,max_rate,max_gap,modulus,period,hold,counter_in_gateway,ratio,serial\n"
        "a/energy,g1,register,kWh,electricity,0,1e6,500,30min,100000.0,,,TRUE,40,S 1\n"
        "b/energy,g1,interval,kWh,electricity,,,,,,15min,,,,\n"
        "c/power,g1,rate,kW,electricity,-5.5,5.5,,,,,last,false,,\n"
    )

    found = [point.part for point in points(tmp_path, text)]

    assert found == [
        channel(
            name="a/energy",
            kind="register",
            unit="kWh",
            min=0,
            max=1e6,
            max_rate=500,
            max_gap="30min",
            modulus=100000.0,
            counter_in_gateway=True,
            ratio=40,
            serial="S 1",
        ),
        channel(name="b/energy", kind="interval", unit="kWh", period="15min"),
        channel(
            name="c/power", kind="rate", unit="kW", min=-5.5, max=5.5, hold="last", counter_in_gateway=False
        ),
    ]
    assert (found[1].kind, found[1].period) == (Kind.INTERVAL, 15 * NS_PER_MIN)


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}\n{ROW}\n",
        f"{HEADER}\n{ROW}",
        f"\ufeff{HEADER}\r\n{ROW}\r\n".replace(",", ";"),
        f"{HEADER}\n\n,,,,\n{ROW}\n",
        'name, gateway ,kind,unit,quantity\n "mdb/energy" , g1 ,register,kWh,electricity\n'.replace(
            ' "', '"'
        ).replace('" ', '"'),
        f'{HEADER}\n"mdb/energy","g1","register","kWh","electricity"\n',
    ],
    ids=["plain", "no-last-line-end", "as-excel-saves-it", "blank-lines", "spaces", "quoted"],
)
def test_spreadsheets_save_it_in_many_ways(tmp_path: Path, content: str) -> None:
    (point,) = points(tmp_path, content)

    assert (point.part.name, point.part.unit) == ("mdb/energy", "kWh")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "nam,gateway,kind,unit,quantity\n",
            [
                "points.csv:1: nam: unknown column (did you mean name?)",
                "points.csv:1: name: is a required column",
            ],
        ),
        (f"{HEADER},unit\n", ["points.csv:1: unit: is a column twice"]),
        (
            f"{HEADER},swaps\n",
            ["points.csv:1: swaps: unknown column; write them under the facility's key swaps"],
        ),
        ("name;gateway,kind\n", ["points.csv:1: separates columns with both , and ;"]),
        (f"{HEADER}\n{ROW},5\n", ["points.csv:2: has 6 cells, the header has 5"]),
        (f"{HEADER}\nmdb/energy,g1,register\n", ["points.csv:2: has 3 cells, the header has 5"]),
        (f'{HEADER},max\n{ROW},"1,5"\n', ["points.csv:2: max: should be a valid number, not '1,5'"]),
        (f"{HEADER},max\n{ROW},nan\n", ["points.csv:2: max: should be a valid number, not 'nan'"]),
        (f"{HEADER},max\n{ROW},1e999\n", ["points.csv:2: max: should be a finite number, not inf"]),
        (f"{HEADER},max\n{ROW},1_0\n", ["points.csv:2: max: should be a valid number, not '1_0'"]),
        (
            f"{HEADER},counter_in_gateway\n{ROW},yes\n",
            ["points.csv:2: counter_in_gateway: should be true or false, not 'yes'"],
        ),
        (
            f'{HEADER},serial\n{ROW},"two\nlines"\na,g1,rate,kwh,electricity,\n',
            ["points.csv:4: unit: unknown unit 'kwh' (did you mean kWh?)"],
        ),
        (f'{HEADER}\n{ROW}\n"open,g1\n', ["points.csv:3: is not CSV: unexpected end of data"]),
        (
            f"{HEADER}\n{ROW}\n".encode() + b"\xe9,g1,rate,kW,electricity\n",
            ["points.csv:3: byte 0xe9 is not UTF-8; save the file as UTF-8"],
        ),
        (f"{HEADER}\n,g1,rate,kW,electricity\n", ["points.csv:2: name: is required"]),
    ],
)
def test_a_mistake_has_its_line_and_column(tmp_path: Path, content: str | bytes, expected: list[str]) -> None:
    assert problems_of(tmp_path, content) == expected


def test_an_empty_file_lacks_its_columns(tmp_path: Path) -> None:
    assert len(problems_of(tmp_path, "")) == len(HEADER.split(","))


def test_every_wrong_row_is_reported_and_every_right_one_read(tmp_path: Path) -> None:
    found = points(tmp_path, f"{HEADER}\na,g1,rate,kw,x\nb,g1,rate,kW,x\nc,g1,rat,kW,x\n")

    assert [point.part.name for point in found] == ["b"]
    assert [problem.line for problem in found.problems] == [2, 4]
    assert found.broken == {"a", "c"}


def test_house_9_every_key_that_is_a_number_or_true_or_false_is_read_so_from_a_cell() -> None:
    """A new one that was forgotten would stay a text, and be refused in every point list."""
    properties = ChannelPart.model_json_schema()["properties"]
    kinds = {
        name: {one.get("type") for one in shape.get("anyOf", [shape])} - {"null"}
        for name, shape in properties.items()
    }

    assert {name for name, kind in kinds.items() if kind == {"number"}} == point_lists._NUMBERS
    assert {name for name, kind in kinds.items() if kind == {"boolean"}} == point_lists._FLAGS
