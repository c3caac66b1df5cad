"""position on the command line, against a whole service behind a real socket."""

import json
import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.serve import Server
from stackmeter.cli import app
from tests.api.test_market import CREDITS, NOW, Market
from tests.semantics.conftest import MEMORY
from tests.semantics.test_9_movements import CONFIG


def test_the_gap_what_covers_it_and_what_it_rests_on_are_shown() -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        market = Market(Path(folder), CONFIG, NOW)
        for name, role in (("lan", "operator"), ("minh", "approver")):
            market.key(name, role)
        market.hand_in()
        for year, used, granted in ((2025, 1100, 902.0), (2026, 1300, 1052.0)):
            market.consume(year, used * 1000)
            market.moved(amount=granted, year=year)
        market.moved(**CREDITS)
        server = Server(market.app, "127.0.0.1", 0)
        server.start()

        def told(*arguments: str, code: int = 0) -> str:
            asked = ["position", *arguments, "--url", server.url, "--token", market.bearers["lan"]]
            result = CliRunner().invoke(app, asked, env={"COLUMNS": "160"})
            assert result.exit_code == code, result.output
            return result.output

        text = told("--facility", "works", "--years", "2025-2026")
        found = json.loads(told("--facility", "works", "--years", "2025-2026", "--json"))
        unknown = told("--years", "2028")
        refused = told("--facility", "wrks", code=1)
        server.stop()
        market.close()

    rows = {
        line.rsplit("]", 1)[0].strip(): line.rsplit("]", 1)[1].split()
        for line in text.splitlines()
        if "]" in line
    }
    assert rows["gap [t"] == ["446.000"] * 3
    assert rows["to buy [t"] == ["0.000"] * 3
    assert rows["without credits [VND"] == ["59,318,000"] * 3
    assert (
        "by vn-ets/2025 (provisional; not settled: share_of, settled, scopes); surrender by 2027-12-31"
        in text
    )
    assert "2025: 1,100.000 t, 12 months known, 0 of them final; known" in text
    assert "bought 600" in next(line for line in text.splitlines() if "works/credits" in line)
    assert found["positions"][0]["position"]["gap_t"] == pytest.approx(446)
    assert "no approved grant of 2028" in unknown
    assert "no rule of vn-ets settles these years" in unknown
    assert "did you mean" in refused
