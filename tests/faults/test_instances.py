"""A second service is started by mistake."""

from pathlib import Path

from tests.faults.bench import Bench, Report
from tests.faults.invariants import check_all
from tests.faults.truth import trial

EXIT_IN_USE = 75
STARTS = 4
SEEN = "New connection from"  # the broker's log, also of who says nothing after connecting


def test_f106_a_second_service_on_the_same_state_exits_75_before_it_touches_the_broker(
    small_bench: Bench, tmp_path: Path, report: Report
) -> None:
    """By connecting with the client id of the first it would take its session."""
    truth = trial(200, seed=106)
    small_bench.service.start()
    small_bench.field.send(truth.messages[:100])
    before = small_bench.broker.process.log().count(SEEN)
    codes = []
    for _ in range(STARTS):
        with small_bench.another_service(tmp_path) as second:
            second.start(ready=False)
            codes.append(second.wait_for_end())
    seen = small_bench.broker.process.log().count(SEEN) - before
    small_bench.field.send(truth.messages[100:])
    figures = small_bench.service.drain(200)

    assert codes == [EXIT_IN_USE] * STARTS
    assert "in use by another stackmeter" in small_bench.service.log()
    assert before > 0, "the broker's log does not tell of connections"
    assert seen == 0
    assert figures["stackmeter_broker_connections"] == 1
    report("F-106", codes=codes, connects_seen=seen, **check_all(small_bench, truth))
