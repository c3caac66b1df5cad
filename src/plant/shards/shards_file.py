"""Reads which shards there are: `shards.yaml`, for whoever needs to know more of them than its own.

It is no part of a configuration: no number depends on it. A shard is one service with a configuration folder, and with parks that
no other shard has.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from plant.configuration.model import EnvironmentName
from plant.documents.documents import Placed, read, salvage
from plant.documents.fields import Name, Part, Text, Url
from plant.documents.findings import Findings
from plant.documents.problems import ConfigurationError


class WorkerPart(Part):
    """A service of a shard: it owns the shard or stands by."""

    machine: Name
    """The machine that it runs on."""
    url: Url
    """Where it answers itself, with no proxy between; without a path."""


class ShardPart(Part):
    """A service that has parks of its own."""

    name: Name
    """What it is called; its client id at the broker is stackmeter-{name}."""
    url: Url
    """Of its API, without a path."""
    parks: Annotated[list[Name], Field(min_length=1)]
    """The parks that it has, by their names; no other shard has them."""
    key_env: EnvironmentName | None = None
    """The environment variable that holds a viewer's key of it."""
    folder: Text | None = None
    """Its configuration folder, for stackmeter check; relative to this file."""
    settings: Text | None = None
    """Its settings file, for stackmeter check and stackmeter cluster status; relative to this file."""
    workers: Annotated[list[WorkerPart], Field(max_length=3)] = Field(default_factory=list)
    """Its owner and its standby, for stackmeter cluster status and stackmeter place, and while it moves the third one."""


class ShardsFile(Part):
    """A file of shards."""

    shards: Annotated[list[ShardPart], Field(min_length=1)]
    machines: list[Name] = Field(default_factory=list)
    """The machines that shards may be on, for stackmeter place; where none is named, those that they are on."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A service of a shard, as the file names it."""

    machine: str
    url: str  # without a slash at its end


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard as the file names it; `folder` and `settings` are None where it does not."""

    name: str
    url: str  # without a slash at its end
    parks: tuple[str, ...]  # in order
    key_env: str = ""
    folder: Path | None = None
    settings: Path | None = None
    workers: tuple[Worker, ...] = ()


@dataclass(frozen=True, slots=True)
class Shards:
    """All shards in the order of their names, and the machines that they may be on, in order."""

    shards: tuple[Shard, ...]
    machines: tuple[str, ...]


def load_shards(path: Path) -> tuple[Shard, ...]:
    """Return the shards of a file, in the order of their names; raise as `load_cluster`."""
    return load_cluster(path).shards


def load_cluster(path: Path) -> Shards:
    """Return the shards of a file and the machines that they may be on.

    Raises
    ------
    ConfigurationError
        With every mistake; also where a name, an address, a folder or a park stands twice, or a machine twice in a shard.
    """
    document, findings = read(path), Findings()
    file = salvage(document, ShardsFile)
    findings.problems += document.problems
    found = []
    for part in file.parts("shards", file.value.shards) if file else ():
        _check_alone(part, findings)
        found.append(_shard(part.value, path.parent))
    if findings.problems:
        raise ConfigurationError(findings.problems)
    named = file.value.machines if file else ()
    machines = set(named or (worker.machine for shard in found for worker in shard.workers))
    return Shards(tuple(sorted(found, key=lambda one: one.name)), tuple(sorted(machines)))


def _check_alone(part: Placed[ShardPart], findings: Findings) -> None:
    """Note what a shard has in common with one above it."""
    one = part.value
    findings.is_first_name(part, "shard")
    url = one.url.rstrip("/")
    findings.is_only(
        part, f"{url} is the address of another shard, too: give each its own", ("url", url), "url"
    )
    for park in one.parks:
        what = f"park {park} stands twice: a park is of one shard, so take it from the other"
        findings.is_only(part, what, ("park", park), "parks")
    for worker in part.parts("workers", one.workers):
        address, machine = worker.value.url.rstrip("/"), worker.value.machine
        what = f"{address} is the address of another worker, too: give each its own"
        findings.is_only(worker, what, ("worker", address), "url")
        what = f"machine {machine} has two workers of it, and would take both with it: let one be elsewhere"
        findings.is_only(worker, what, ("machine", one.name, machine), "machine")


def _shard(one: ShardPart, beside: Path) -> Shard:
    return Shard(
        one.name,
        one.url.rstrip("/"),
        tuple(sorted(one.parks)),
        one.key_env or "",
        None if one.folder is None else beside / one.folder,
        None if one.settings is None else beside / one.settings,
        tuple(
            Worker(worker.machine, worker.url.rstrip("/"))
            for worker in one.workers
            if worker.model_fields_set
        ),
    )
