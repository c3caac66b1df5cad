"""Forwarding to a real Alertmanager, as its own API tells of it."""

from contextlib import closing

from plant.networks import PRIVATE
from plant.park import Webhook
from plant.vocabulary import NS_PER_MIN
from tests.notify.state import GRID, plant
from tests.servers import Alertmanager, wait_until


def test_a_real_alertmanager_knows_what_fires_and_forgets_what_ended(bench):
    with Alertmanager() as server:
        told = plant(
            Webhook("am", server.url, "", PRIVATE, kind="alertmanager-api", format="alertmanager-api")
        )
        start = bench.clock() - 5 * NS_PER_MIN
        bench.raise_alert(told, start)
        bench.raise_alert(told, start, start + NS_PER_MIN, GRID)
        with closing(bench.sender(told)) as sender:
            assert sender.step() == 3
            wait_until(lambda: len(server.alerts()) == 1, "the Alertmanager shows the alert that fires")
            bench.clock.move(60)
            sender.step()
            assert sender.statistics()[0].last_error == ""

        (one,) = server.alerts()
    assert one["labels"] == {
        "alertname": "stack-co2", "severity": "critical", "park": "nam-cau-kien", "facility": "mill",
        "gateway": "gw1", "channel": "stack1/co2",
    }  # fmt: skip
    assert one["annotations"]["summary"] == "stack1/co2 at mill, nam-cau-kien: 13 % is above 12.5 %"
    assert one["status"]["state"] in {"active", "unprocessed"}
