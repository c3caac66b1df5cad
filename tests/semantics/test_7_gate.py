"""Section 2, final months: what a month must pass to be closed, and what overrules it."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from store.accounting.closing import Decision
from tests.semantics.conftest import MEMORY
from tests.semantics.world import DAY, HOUR, TOKEN, World, ns, reading

START, END = ns("2026-03-01T00:00:00+07:00"), ns("2026-04-01T00:00:00+07:00")
CONTRACT = """\
zone: Asia/Ho_Chi_Minh
factors:
  - name: contract
    title: Contract with a supplier (invented)
    basis: electricity
    units: {co2e: kgCO2e/kWh}
    rows:
      - {valid_from: 2026-01-01, values: {co2e: 0.5}, source: invented, evidence: "none, it is invented"}
"""
PLANT = """\
settings: {closing: {coverage: COVERAGE}}
parks:
  - name: park-a
    title: Park A (invented)
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: works
        title: Works (invented)
        gateways: [{name: gw}]
        channels:
          - {name: reg, gateway: gw, kind: register, unit: kWh, quantity: electricity, max_rate: 100}
          - {name: other, gateway: gw, kind: register, unit: kWh, quantity: electricity, max_rate: 100}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: reg}, factor: FACTOR}
"""
OTHER = "          - {name: later, method: electricity-location, inputs: {energy: other}, factor: contract}\n"


def configured(folder: Path, factor: str = "contract", more: str = "", coverage: str = "0.95") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "a.factors.yaml").write_text(CONTRACT)
    (folder / "plant.yaml").write_text(PLANT.replace("FACTOR", factor).replace("COVERAGE", coverage) + more)
    return folder


class Month(World):
    """March of a park whose one meter is read at its ends."""

    def read(self, *times: int) -> None:
        """Let the meter be read; between two readings its advance is known, however far they are apart."""
        for time in times:
            self.now = time
            self.send(reading("reg", time, (time - START) / HOUR + 1_000))

    def after(self, days: int = 2) -> None:
        self.now = END + days * DAY

    def close_by_api(self, **more: Any) -> httpx.Response:
        body = {"park": "park-a", "month": "2026-03", "action": "final", "by": "lan", **more}

        async def post() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            headers = {"Authorization": f"Bearer {TOKEN}", **self.headers}
            async with httpx.AsyncClient(
                transport=transport, base_url="http://api", headers=headers
            ) as client:
                return await client.post("/v1/periods", json=body)

        return asyncio.run(post())

    def close_in_line(self, despite: str = "", **more: Any) -> tuple[str, str]:
        """Decide at once, as whoever is not told in advance; return (outcome, detail)."""
        number = f"d{self.rows('SELECT count(*) FROM decision')[0][0]}"
        given = {"configuration": self.plant.hash} | more
        self.decide(Decision(number, "lan", "final", "park-a", "2026-03", despite=despite, **given))
        [(outcome, detail)] = self.rows("SELECT outcome, detail FROM decision WHERE id = ?", number)
        return outcome, detail

    def told(self) -> Any:
        [one] = [p for p in self.get("/v1/periods", park="park-a")["periods"] if p["month"] == "2026-03"]
        return one

    headers: dict[str, str] = {}  # noqa: RUF012


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Any]:
    made: list[Month] = []
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:

        def start(**config: str) -> Month:
            state = Path(folder) / f"state-{len(made)}"
            state.mkdir()
            made.append(Month(state, configured(tmp_path / f"config-{len(made)}", **config), START))
            return made[-1]

        yield start
        for one in made:
            one.close()


def gates(month: Month) -> list[str]:
    return [one["gate"] for one in month.told()["lacks"]]


def test_solid_b4_a_month_that_is_known_from_end_to_end_is_closed(make):
    month = make()
    month.read(START, END)
    month.after()
    assert month.told()["lacks"] == []
    assert (month.told()["coverage"], month.told()["provisional_share"]) == (1.0, 0.0)

    answer = month.close_by_api()

    assert answer.status_code == 200
    period = answer.json()["period"]
    assert (period["status"], period["closed_by"], period["despite"], period["overruled"]) == (
        "final",
        "lan",
        None,
        [],
    )
    assert period["lacks"] is None


def test_solid_b4_a_month_with_one_hour_of_readings_is_not_closed_without_a_word(make):
    month = make()
    month.read(START + 9 * DAY, START + 9 * DAY + HOUR)
    month.after()

    assert gates(month) == ["coverage", "known_from"]
    answer = month.close_by_api()

    assert answer.status_code == 409
    assert [one["gate"] for one in answer.json()["lacks"]] == ["coverage", "known_from"]
    assert "coverage is 0.1 %, and at least 95 % is asked for" in answer.json()["detail"]
    assert month.told()["status"] == "open"


def too_little(month: Month) -> None:
    month.read(START, START + 28 * DAY)


def begun_late(month: Month) -> None:
    month.read(START + 9 * DAY, END)


def whole(month: Month) -> None:
    month.read(START, END)


def with_quarantine(month: Month) -> None:
    month.read(START)
    month.send(reading("reg", START + DAY, 1_024, unit="furlong"))
    month.read(END)


def with_quarantine_that_came_later(month: Month) -> None:
    month.read(START, END)
    month.now = END + DAY
    month.send(reading("reg", END - DAY, 1_500, unit="furlong"))


def with_quarantine_of_no_time(month: Month) -> None:
    month.read(START)
    month.publish(b"{")
    month.read(END)


LACKING = {
    "coverage": ({}, too_little, "`stackmeter explain"),
    "sources": ({"more": OTHER}, whole, "park-a/works/later: have them read, or give each the `since`"),
    "known_from": ({}, begun_late, "park-a/works/grid began later: give each its `since`"),
    "quarantine": ({}, with_quarantine, "1 of its messages are in quarantine"),
    "quarantine, late": ({}, with_quarantine_that_came_later, "`stackmeter quarantine replay`"),
    "quarantine, unread": ({}, with_quarantine_of_no_time, "in quarantine"),
    "provisional": (
        {"factor": "vn-grid"},
        whole,
        "100.0 % of its tonnes rest on provisional factors, vn-grid/2024",
    ),
}


@pytest.mark.parametrize("what", LACKING)
def test_solid_b4_each_gate_is_judged_by_the_line_and_overruled_by_a_reason_alone(make, what):
    config, happens, says = LACKING[what]
    month = make(**config)
    happens(month)
    month.after()
    gate = what.partition(",")[0]
    assert gates(month) == [gate]

    outcome, detail = month.close_in_line()

    assert (outcome, month.told()["status"]) == ("refused", "open")
    assert says in detail
    outcome, detail = month.close_in_line("letter 12")
    assert outcome == "done"
    assert "letter 12" in detail
    told = month.told()
    assert (told["status"], told["closed_by"], told["despite"], told["overruled"]) == (
        "final",
        "lan",
        "letter 12",
        [gate],
    )


def test_solid_b4_quarantine_of_another_month_or_park_is_no_gate(make):
    month = make()
    month.now = START - DAY
    month.send(reading("reg", START - DAY, 1, unit="furlong"))
    month.read(START)
    month.publish({"readings": []}, topic="sm/v1/elsewhere/works/gw/readings")
    month.read(END)
    month.now = END + DAY
    month.send(reading("reg", END + DAY, 2, unit="furlong"))
    month.after()

    assert month.told()["lacks"] == []


def test_solid_b4_what_is_repaired_and_taken_anew_is_no_gate_any_more(make, tmp_path):
    month = make()
    with_quarantine(month)
    month.after()
    assert gates(month) == ["quarantine"]
    month.state.connection.execute("CREATE TEMP TABLE kept AS SELECT * FROM quarantine")
    month.rows("DELETE FROM quarantine")  # as a replay does that reads it now

    assert month.told()["lacks"] == []
    month.rows("INSERT INTO quarantine SELECT * FROM kept")  # no replay did it


def test_solid_b4_the_least_coverage_is_a_setting(make):
    month = make(coverage="0.9")
    too_little(month)
    month.after()

    assert month.told()["coverage"] == pytest.approx(28 / 31)
    assert month.close_by_api().status_code == 200


def test_solid_b4_a_source_that_was_commissioned_later_lacks_nothing(make):
    month = make(more=OTHER.replace("method", 'since: "2026-05-01T00:00:00+07:00", method'))
    whole(month)
    month.after()

    assert month.told()["lacks"] == []


def test_solid_b4_a_reason_for_nothing_is_not_kept(make):
    month = make()
    whole(month)
    month.after()

    assert month.close_by_api(despite="just so").status_code == 200

    assert (month.told()["despite"], month.told()["overruled"]) == (None, [])


def test_solid_b7_a_reason_overrules_what_it_was_told_of_and_nothing_else(make):
    """What somebody signed follows from the journal alone, so that it can be proven."""
    month = make()
    begun_late(month)
    month.after()

    outcome, detail = month.close_in_line("letter 12", overruled=("coverage",))

    assert outcome == "refused"
    assert "Nobody was told of it when this was decided: look again" in detail
    assert month.close_in_line("letter 12", overruled=("known_from", "coverage"))[0] == "done"
    assert month.told()["overruled"] == ["known_from", "coverage"]


def test_solid_b4_a_reason_is_for_closing_only_and_has_words(make):
    month = make()
    begun_late(month)
    month.after()

    assert month.close_by_api(action="provisional", despite="x").status_code == 422
    assert month.close_by_api(despite="  ").status_code == 422
    assert month.close_by_api(despite="x" * 501).status_code == 422
    assert month.close_by_api(despite="\x1b[2Jgone").status_code == 422
    assert month.close_by_api(despite="the meter came on the 10th").status_code == 200
    assert (month.told()["despite"], month.told()["overruled"]) == (
        "the meter came on the 10th",
        ["known_from"],
    )


def test_solid_b4_what_is_asked_again_with_its_key_is_answered_as_the_first_time(make):
    month = make()
    whole(month)
    month.after()
    month.headers = {"Idempotency-Key": "k1"}

    first, again = month.close_by_api(), month.close_by_api()

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["id"] == again.json()["id"]


def made_again(month: Month, config: Path | None = None) -> None:
    month._shut()
    for path in month.folder.glob("state.db*"):
        path.unlink()
    if config is not None:
        month._load(config)
    month._open()
    while month.line.step():
        pass


def decisions(month: Month) -> list[Any]:
    return month.rows("SELECT outcome FROM decision ORDER BY message") + month.rows(
        "SELECT status, closed_by, despite, overruled FROM period"
    )


def test_solid_b4_a_state_made_again_judges_alike(make):
    month = make()
    begun_late(month)
    month.after()
    month.close_in_line()
    month.close_in_line("letter 12")
    before = decisions(month)

    made_again(month)

    assert decisions(month) == before


def test_solid_b4_no_month_is_opened_again_by_a_source_that_came_later(make, tmp_path):
    """Under another configuration nobody can judge as then: what was told then stands, with its reason."""
    month = make()
    whole(month)
    month.after()
    assert month.close_by_api().status_code == 200

    made_again(month, configured(tmp_path / "grown", more=OTHER, coverage="1"))

    assert month.told()["status"] == "final"
    assert (month.told()["despite"], month.told()["overruled"]) == (None, [])


def test_solid_b4_nor_does_it_lose_its_reason(make, tmp_path):
    month = make()
    begun_late(month)
    month.after()
    assert month.close_by_api(despite="letter 12").status_code == 200

    made_again(month, configured(tmp_path / "grown", more=OTHER, coverage="1"))

    assert (month.told()["despite"], month.told()["overruled"]) == ("letter 12", ["known_from"])


def test_solid_b4_a_decision_of_an_earlier_build_stands(make):
    month = make()
    begun_late(month)
    month.after()

    assert month.close_in_line(configuration="")[0] == "done"


def test_solid_b4_a_month_that_goes_on_is_told_of_but_not_judged(make):
    month = make()
    month.read(START, START + 10 * DAY)

    told = month.told()

    assert (told["lacks"], told["coverage"], told["known_from"], told["unknown"]) == (None, 1.0, None, [])
