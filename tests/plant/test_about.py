"""Texts that only people can give: read beside the plant, and checked as everything of a configuration is."""

from pathlib import Path

import pytest

from plant.configuration.about import About, load_about
from plant.configuration.environments import AnySecret
from plant.configuration.load import load
from plant.documents.documents import ConfigurationError
from rules.catalogue import load_catalogue

CONFIG = Path(__file__).parents[1] / "reports/config"
PLANT = load(CONFIG, load_catalogue(CONFIG), AnySecret())
FORMS = ("form06", "circular38")
LORRIES = "  - {park: port, facility: mill, source: lorries}\n"


def loaded(folder: Path, text: str) -> About:
    (folder / "about.yaml").write_text(text, encoding="utf-8")
    return load_about(folder, PLANT, FORMS)


def test_a_folder_without_texts_has_none(tmp_path: Path) -> None:
    assert load_about(tmp_path, PLANT, FORMS) == About({}, {})


def test_texts_are_of_a_facility_or_of_a_whole_park(tmp_path: Path) -> None:
    found = loaded(
        tmp_path, "about:\n  - {park: port, sector: steel}\n  - {park: port, facility: mill, sinks: none}\n"
    )

    assert found.texts["port", ""].sector == "steel"
    assert found.texts["port", "mill"].sinks == "none"


def test_what_papers_tell_of_a_source_is_found_by_its_name(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        "sources:\n  - {park: port, facility: mill, source: lorries, vehicle: ôtô, distance_km: {2025: 41250}}\n",
    )

    assert found.sources["port/mill/lorries"].distance_km == {"2025": 41250}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "sources:\n  - {park: port, facility: mill, source: lorry}\n",
            "there is no source port/mill/lorry (did you mean port/mill/lorries?)",
        ),
        (f"sources:\n{LORRIES * 2}", "port/mill/lorries stands twice"),
        (
            "sources:\n  - {park: port, facility: mill, source: lorries, distance_km: {2025: -1}}\n",
            "distance_km",
        ),
        ("about:\n  - {park: port, facility: mil}\n", "there is no port/mil (did you mean mill?)"),
        ("about:\n  - {park: port}\n  - {park: port}\n", "port stands twice"),
        ("about:\n  - {park: port, adress: x}\n", "did you mean address"),
        ("about:\n  - {park: port, base_year: 20}\n", "base_year"),
        (
            'checked:\n  - {form: form6, by: a, day: "2027-01-01"}\n',
            "there is no form form6 (did you mean form06?)",
        ),
        ("checked:\n  - {form: form06, by: a, day: yesterday}\n", "day"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, text)

    assert why in str(caught.value.problems[0])
    assert "about.yaml:" in str(caught.value.problems[0])
