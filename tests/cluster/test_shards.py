"""Shards at one broker are to each other as if they were not there, and together what one service with all parks is."""

import json
import random
from collections.abc import Iterator
from contextlib import ExitStack
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.plants import reading, write_plant
from tests.end_to_end.asking import ask
from tests.end_to_end.gateway import RawGateway
from tests.servers import Mosquitto, wait_until
from tests.service import Service

PARKS = ("a", "b", "c", "d")
MINUTES = 30
SPAN = {"from_": "2026-01-21T12:00:00Z", "to": "2026-01-22T00:00:00Z"}
STATUS = json.dumps({"online": True}).encode()
SEED = 20261202


class Shards:
    """A shard for each park, one of them that looks out for strays, and one service that has all parks."""

    def __init__(self, folder: Path, broker: Mosquitto, running: ExitStack) -> None:
        file = folder / "shards.yaml"
        file.write_text(
            json.dumps({"shards": [{"name": p, "url": f"https://{p}.example", "parks": [p]} for p in PARKS]})
        )
        own = {"STACKMETER_PARK_TOPICS": "own"}
        looks_out = {**own, "STACKMETER_SHARDS_FILE": str(file)}
        self.of = {
            park: running.enter_context(
                Service(
                    folder / park, write_plant(folder / park / "config", park), broker.url,
                    client_id=f"stackmeter-{park}", environment=looks_out if park == "a" else own,
                )
            )
            for park in PARKS
        }  # fmt: skip
        self.whole = running.enter_context(
            Service(folder / "whole", write_plant(folder / "whole" / "config", *PARKS), broker.url)
        )
        for service in self.all:
            service.start()

    @property
    def all(self) -> list[Service]:
        """All services."""
        return [*self.of.values(), self.whole]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shards]:
    """Give services that took the readings of all parks, a shard having been killed among them."""
    folder, chosen = tmp_path_factory.mktemp("shards"), random.Random(SEED)
    victim, killed_at = chosen.choice(PARKS), chosen.randrange(5, MINUTES - 5)
    with Mosquitto() as broker, ExitStack() as running, RawGateway(broker.port) as field:
        field.send("sm/v1/a/mill/gw/status", STATUS, retain=True)
        field.send("sm/v1/z/mill/gw/status", STATUS, retain=True)
        made = Shards(folder, broker, running)
        field.send(*reading("z", 0))
        field.send("sm/v1/b/mill/unknown/readings", reading("b", 0)[1])
        for minute in range(MINUTES):
            if minute == killed_at:
                made.of[victim].kill()
            for park in PARKS:
                field.send(*reading(park, minute))
        field.wait()
        made.of[victim].start()
        for park, service in made.of.items():
            wait_until(lambda s=service: received(s) >= MINUTES, f"shard {park} lacks readings")  # type: ignore[misc]
        wait_until(lambda: received(made.whole) >= MINUTES * len(PARKS), "the whole lacks readings")
        for service in made.all:
            wait_until(lambda s=service: not s.metrics()["stackmeter_journal_backlog"], "backlog")  # type: ignore[misc]
        yield made


def received(service: Service) -> int:
    """Return how many readings count."""
    accepted: int = ask(service, "/v1/balance")["readings"]["accepted"]
    return accepted


def totals(service: Service, **query: str) -> list[dict[str, Any]]:
    """Return rows of tonnes of the span in which readings are."""
    rows: list[dict[str, Any]] = ask(service, "/v1/totals", **SPAN, **query)["totals"]
    return rows


def test_parks_of_shards_are_those_of_one_service_to_the_bit(shards: Shards) -> None:
    for level in ("park", "source"):
        of_shards = [row for park in PARKS for row in totals(shards.of[park], level=level)]
        assert of_shards == totals(shards.whole, level=level)
    assert len({row["co2e_t"] for row in totals(shards.whole, level="park")} - {None, 0.0}) == len(PARKS)


def test_all_is_the_sum_of_the_shards_parks_in_their_order_to_the_bit(shards: Shards) -> None:
    parks = [totals(shards.of[park], level="park")[0]["co2e_t"] for park in sorted(PARKS)]

    assert [reduce(add, parks)] == [row["co2e_t"] for row in totals(shards.whole, level="all")]


def test_balances_of_gateways_are_those_of_one_service(shards: Shards) -> None:
    """Beside what the broker sent again to the shard that was killed, which is a duplicate there."""
    for park in PARKS:
        of_shard, of_whole = (
            ask(service, "/v1/balance", gateway=f"{park}/mill/gw")["readings"]
            for service in (shards.of[park], shards.whole)
        )
        again = of_shard["duplicate"]
        assert of_shard == of_whole | {"received": of_whole["received"] + again, "duplicate": again}


def test_no_shard_journals_or_quarantines_what_is_anothers(shards: Shards) -> None:
    """The whole has the stray and the gateway that nobody configured in quarantine; of the shards only that whose park it is."""
    quarantined = {park: _quarantined(service) for park, service in shards.of.items()}

    assert quarantined == {"a": [], "b": ["b/mill/unknown"], "c": [], "d": []}
    assert _quarantined(shards.whole) == ["b/mill/unknown", "z/mill/gw"]
    assert [service.metrics()["stackmeter_foreign_messages"] for service in shards.of.values()] == [0] * 4


def _quarantined(service: Service) -> list[str]:
    return sorted({one["gateway"] for one in ask(service, "/v1/quarantine")["causes"]})


def test_one_shard_tells_of_gateways_whose_park_no_shard_has(shards: Shards) -> None:
    [stray] = ask(shards.of["a"], "/v1/strays")["strays"]
    ready = ask(shards.of["a"], "/readyz")

    assert (stray["gateway"], stray["online"]) == ("z/mill/gw", True)
    assert [one for one in ready["degradations"] if "z/mill/gw" in one]
    assert shards.of["a"].metrics()["stackmeter_stray_gateways"] == 1
    assert ask(shards.of["b"], "/v1/strays")["strays"] is None
