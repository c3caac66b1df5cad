"""InfluxDB is away, or dies over a write."""

import fcntl
import math
import random
import time
from contextlib import nullcontext, suppress

from stackmeter.projection.job import LOCK
from tests.faults.bench import Bench, Report
from tests.faults.invariants import balance, check_all
from tests.faults.truth import trial
from tests.servers import paused, wait_until


def test_f051_influxdb_away_costs_nothing_and_its_outbox_drains_when_it_is_back(
    bench: Bench, report: Report
) -> None:
    """Meanwhile the service is ready, says what is degraded, and its totals are right."""
    truth = trial(1500, seed=51)
    assert bench.influx is not None
    bench.influx.stop()
    bench.service.start()
    bench.field.send(truth.messages)
    wait_until(
        lambda: balance(bench.service.database)["accepted"] == len(truth.messages), "not all taken", 120
    )
    wait_until(lambda: degradations(bench), "the degradation is not told", 60)

    ready, waiting = bench.service.get("/readyz"), bench.service.metrics()
    tonnes = bench.service.get("/v1/totals", level="park", period="2026").json()["totals"][0]["co2e_t"]
    assert ready.is_success, "a projection that waits is no reason not to be ready"
    assert waiting["stackmeter_influx_waiting_readings"] == sum(map(len, truth.readings.values()))
    assert abs(tonnes / math.fsum(window[0] for window in truth.windows().values()) - 1) < 1e-9

    bench.influx.start()
    back = time.monotonic()
    bench.service.drain(len(truth.messages))
    drained = time.monotonic() - back
    assert not degradations(bench)
    report(
        "F-051",
        outbox_readings=waiting["stackmeter_influx_waiting_readings"],
        outbox_hours=waiting["stackmeter_influx_waiting_emissions"],
        drain_s=round(drained, 1),
        difference=0,
        points=check_all(bench, truth)["points"],
    )


def degradations(bench: Bench) -> list[str]:
    return [one for one in bench.service.get("/readyz").json()["degradations"] if one.startswith("InfluxDB")]


def test_f052_influxdb_killed_over_its_writes_ends_with_the_points_of_the_state(
    bench: Bench, kills: int, report: Report
) -> None:
    """Every other time it is frozen first, so that a write surely hangs in it; else it dies as the writes come."""
    chance, truth = random.Random(52), trial(30 * kills, seed=52)
    assert bench.influx is not None
    bench.service.start()
    for kill in range(kills):
        frozen = kill % 2 == 0
        with paused(bench.influx.influxd) if frozen else nullcontext():
            bench.field.send(truth.messages[30 * kill : 30 * (kill + 1)])
            time.sleep(chance.uniform(0.2, 0.5) if frozen else chance.uniform(0.0, 0.1))
            bench.influx.kill()
        bench.influx.start()
        wait_until(lambda: not degradations(bench), "InfluxDB is still missed", 90)
    bench.service.drain(len(truth.messages))
    cut = bench.influx.nginx.log().count("while reading response header")

    assert cut >= kills // 10, "too few kills met a write for the case to mean anything"
    report("F-052", kills=kills, writes_cut=cut, difference=0, points=check_all(bench, truth)["points"])


def test_what_a_killed_service_left_sending_is_waited_for(bench: Bench) -> None:
    """Its last point could land upon a newer one."""
    truth = trial(100, seed=53)
    bench.service.start()
    bench.service.kill()
    with (bench.folder / "state" / LOCK).open("ab") as left:
        wait_until(lambda: locked(left.fileno()), "the process of the killed service goes on")
        bench.service.start()
        bench.field.send(truth.messages)
        wait_until(lambda: balance(bench.service.database)["accepted"] == 100, "not all taken")
        assert bench.service.metrics()["stackmeter_influx_points"] == 0
        wait_until(lambda: degradations(bench), "nobody says what is waited for")
        assert "still sends, and is waited for" in degradations(bench)[0]
    bench.service.drain(100)
    assert not degradations(bench)
    check_all(bench, truth)


def locked(file: int) -> bool:
    """Return whether the lock is ours now."""
    with suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def test_bc09_an_influxdb_that_forgets_sooner_than_readings_may_come_is_refused_at_the_start(
    bench: Bench,
) -> None:
    assert bench.influx is not None
    bench.influx.query(f"ALTER RETENTION POLICY autogen ON {bench.influx.bucket} DURATION 10d")
    try:
        bench.service.start(ready=False)
        code = bench.service.wait_for_end()
    finally:
        bench.influx.query(f"ALTER RETENTION POLICY autogen ON {bench.influx.bucket} DURATION INF")

    assert code == 2
    assert "settings.max_late: readings may be" in bench.service.log()
    assert "InfluxDB keeps stackmeter for 10 days" in bench.service.log()
