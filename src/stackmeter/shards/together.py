"""Checks shards together: what two of them would both get is refused before they run."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from ingest.mqtt.address import broker
from plant.documents.problems import ConfigurationError, Problem
from plant.park import Plant
from plant.shards.shards_file import Shard
from plant.topics import SPARKPLUG, Subscription, overlap
from stackmeter.settings import Settings, load_file

OF_ONE_CLIENT = ("", "-sparkplug", "-strays")  # what the ids of a service's connections end with


@dataclass(frozen=True, slots=True)
class CheckedShard:
    """A shard as it is checked: its folder, what that says, and its settings where its file of them is known."""

    folder: Path
    plant: Plant
    settings: Settings | None = None
    shard: Shard | None = None

    @property
    def name(self) -> str:
        """What a sentence calls it."""
        return str(self.folder) if self.shard is None else f"{self.shard.name} ({self.folder})"


def places(
    folders: Sequence[Path], shards: Sequence[Shard], plant_of: Callable[[Path], Plant]
) -> list[CheckedShard]:
    """Return what is to be checked: folders, and those that a file of shards names.

    Raises
    ------
    ConfigurationError
        With every mistake of every folder and settings file.
    """
    wanted: list[tuple[Path, Shard | None]] = [(folder, None) for folder in folders]
    wanted += [(shard.folder, shard) for shard in shards if shard.folder is not None]
    found: list[CheckedShard] = []
    problems: list[Problem] = []
    for folder, shard in wanted:
        try:
            plant = plant_of(folder)
            settings = load_file(shard.settings) if shard is not None and shard.settings is not None else None
            found.append(CheckedShard(folder, plant, settings, shard))
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(problems)
    return found


def check_together(given: Sequence[CheckedShard]) -> None:
    """Refuse what two of several shards would both get.

    Raises
    ------
    ConfigurationError
        With a sentence for each, which names both folders and says what to do.
    """
    problems = [problem for one in given for problem in _against_its_file(one)]
    for one, other in combinations(given, 2):
        problems += _both_have(one, other)
        if _share_a_broker(one, other):
            problems += [*_same_client(one, other), *_hear_all(one, other), *_same_topics(one, other)]
    if problems:
        raise ConfigurationError(problems)


def unchecked(given: Sequence[CheckedShard], shards: Sequence[Shard]) -> list[str]:
    """Return in sentences what could not be checked of several shards, some of which a file names."""
    unknown = ", ".join(one.name for one in given if one.settings is None)
    away = ", ".join(one.name for one in shards if one.folder is None)
    known = "name the settings file of each in a file of shards, and give that with --shards"
    told = [f"client ids, brokers and park_topics are not known of {unknown}: {known}"] if unknown else []
    return [
        *told,
        *([f"the file of shards names no folder of {away}, so nothing is known of them"] if away else []),
    ]


def _against_its_file(one: CheckedShard) -> Iterator[Problem]:
    if one.shard is None:
        return
    named, there = set(one.shard.parks), {park.name for park in one.plant.parks}
    for park in sorted(named - there):
        yield _problem(one, f"has no park {park}, which the file of shards says it has: correct one of them")
    for park in sorted(there - named):
        yield _problem(one, f"has the park {park}, which the file of shards does not name: add it there")


def _both_have(one: CheckedShard, other: CheckedShard) -> Iterator[Problem]:
    parks = {park.name for park in one.plant.parks} & {park.name for park in other.plant.parks}
    for park in sorted(parks):
        yield _problem(
            other, f"park {park} is in {one.name}, too: a park is of one shard, so take it out of one"
        )


def _share_a_broker(one: CheckedShard, other: CheckedShard) -> bool:
    """Whether they may; where settings are not known, they may."""
    if one.settings is None or other.settings is None:
        return True
    return bool(_brokers(one.settings) & _brokers(other.settings))


def _brokers(settings: Settings) -> set[str]:
    address = broker(settings.broker, client_id=settings.client_id, version=settings.mqtt_version)
    return {place.where for place in address.places}


def _same_client(one: CheckedShard, other: CheckedShard) -> Iterator[Problem]:
    if one.settings is None or other.settings is None:
        return
    shared = _client_ids(one.settings) & _client_ids(other.settings)
    if shared:
        what = f"client id {min(shared)} is that of {one.name}, too, and they would take the session from each other"
        yield _problem(other, f"{what}: set client_id to stackmeter-NAME, with the shard's own name, in each")


def _client_ids(settings: Settings) -> set[str]:
    return {settings.client_id + end for end in OF_ONE_CLIENT}


def _hear_all(one: CheckedShard, other: CheckedShard) -> Iterator[Problem]:
    pairs = ((one, other), (other, one))
    for greedy, beside in pairs:
        if greedy.settings is not None and greedy.settings.park_topics == "all":
            what = f"park_topics is all, so it would journal and quarantine what is of {beside.name}"
            yield _problem(greedy, f"{what}: set park_topics to own in both")


def _same_topics(one: CheckedShard, other: CheckedShard) -> Iterator[Problem]:
    for ours in one.plant.subscriptions:
        for theirs in other.plant.subscriptions:
            if overlap(ours.filter, theirs.filter):
                yield _taken_twice(one, ours, theirs)
    host = _sparkplug_host(one)
    if host is not None and host == _sparkplug_host(other):
        what = f"sparkplug_host {host} is that of {one.name}, too, and each would say that the other is gone"
        yield _problem(other, f"{what}: give each its own")


def _sparkplug_host(place: CheckedShard) -> str | None:
    """Return under which id it hosts edge nodes; None where it hosts none, or that is not known."""
    if place.settings is None or all(one.format != SPARKPLUG for one in place.plant.subscriptions):
        return None
    return place.settings.sparkplug_host


def _taken_twice(one: CheckedShard, ours: Subscription, theirs: Subscription) -> Problem:
    file, line, path = theirs.place
    where = f"{ours.place[0]}:{ours.place[1]}"
    what = f"takes topics that {ours.topic} of {one.name} takes, too ({where})"
    return Problem(
        file, line, path, f"{theirs.topic} {what}: narrow one of them, so that each topic is of one shard"
    )


def _problem(place: CheckedShard, message: str) -> Problem:
    return Problem(str(place.folder), 0, "", message)
