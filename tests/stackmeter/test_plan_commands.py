"""plan, bill and advice on the command line, against the API behind a real socket."""

import json
from contextlib import contextmanager

import pytest
from typer.testing import CliRunner

from api.serve import Server
from stackmeter.cli import app
from tests.api import test_advice, test_measures
from tests.api.state import AS_OF, TOKEN

DECEMBER = test_measures.midnight("2026-12")


@contextmanager
def asked(api):
    """Let commands ask an API."""
    server = Server(api.app, "127.0.0.1", 0)
    server.start()

    def told(*arguments, code=0):
        options = ["--url", server.url, "--token", TOKEN]
        result = CliRunner().invoke(app, [*arguments, *options], env={"COLUMNS": "80"})
        assert result.exit_code == code, result.output
        assert max(map(len, result.stdout.splitlines()), default=0) <= 80 or "--json" in arguments
        return result

    yield told
    server.stop()
    api.reader.close()
    api.state.close()


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plan")
    api = test_measures.built(folder, test_measures.MEASURE, billed=test_measures.ENERGY)
    with asked(api) as told:
        yield told


@pytest.fixture(scope="module")
def battery(tmp_path_factory):
    api = test_advice.built(tmp_path_factory.mktemp("battery"))
    test_advice.count(api, 0, 1000.0, end=DECEMBER)
    with asked(api) as told:
        yield told


def test_a_plan_shows_the_path_and_what_measures_saved_with_how_far_it_is_known(plan):
    text = plan("plan", "show", "hai-phong").stdout

    assert "hai-phong/mill" in text
    assert "proven together:" in text
    assert "±" in text
    assert "Drives" in text
    found = json.loads(plan("plan", "show", "hai-phong/mill", "--json").stdout)
    assert found["measures"]["measures"][0]["effect"] == "shown"
    assert found["roadmap"]["roadmap"][0]["facility"] == "mill"
    assert found["bridge"] is None


def test_a_bridge_is_of_a_facility_and_its_output_and_says_why_there_is_none(plan):
    bridge = ("plan", "show", "hai-phong/mill", "--output", "product/billets", "--language", "vi")
    text = " ".join(plan(*bridge).stdout.split())

    assert "from 2025 to 2026: no bridge: năm gốc có độ phủ dưới 99 %" in text
    assert "give PARK/FACILITY" in plan("plan", "show", "hai-phong", "--output", "x", code=2).stderr
    assert "unknown: 'nowhere'" in plan("plan", "show", "nowhere", code=1).stderr


def test_a_bill_shows_slots_peaks_and_the_total(battery):
    text = battery("bill", "hai-phong/mill", "--month", "2026-11").stdout

    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}
    assert (rows["peak"][3], rows["peak"][5]) == ("%", "1,000")
    assert int(rows["all"][1].replace(",", "")) == pytest.approx(
        (AS_OF - test_measures.midnight("2026-11")) / 3600e9 * 1000, rel=0.001
    )
    assert "total with tax: " in text
    assert "provisional: vn-hours/2026-04-22" in text
    assert json.loads(battery("bill", "hai-phong", "--json").stdout)["bills"][0]["facility"] == "mill"
    assert "no facility there has a tariff" in battery("bill", "rhein", code=1).stderr


def test_advice_shows_when_to_work_in_money_and_tonnes(battery):
    text = battery("advice", "hai-phong/mill").stdout

    assert "battery of 1,800 kWh, 500 kW, 90%" in text
    rows = [line.split()[:4] for line in text.splitlines() if "charge" in line]
    assert rows == [["02:00", "06:00", "charge", "low"], ["18:30", "22:30", "discharge", "peak"]]
    assert "3,736,400 less" in " ".join(text.split())
    assert json.loads(battery("advice", "--json").stdout)["advice"][0]["reason"] is None
    assert "no facility there has a battery" in battery("advice", "rhein", code=1).stderr


def test_without_a_load_there_is_no_advice_and_the_exit_code_says_so(tmp_path):
    with asked(test_advice.built(tmp_path)) as told:
        text = " ".join(told("advice", "--language", "vi", code=1).stdout.split())

    assert "no advice: phụ tải cùng ngày trong tuần" in text
