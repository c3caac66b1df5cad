"""`stackmeter check`: of one configuration, and of those of several shards together."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from ingest.subscriptions import Subscriptions
from plant.configuration.about import load_about
from plant.configuration.load import Loaded, load_with_doubts
from plant.park import Plant
from plant.shards.shards_file import Shard
from proof.undated import undated_in
from reports.catalogue import all_forms
from rules.catalogue import Register, load_catalogue
from stackmeter.commands.command import failures, or_exit
from stackmeter.members.members_file import load_members
from stackmeter.shards.together import check_together, places, unchecked


def check_one(directory: Path, state: Path | None, *, as_json: bool) -> None:
    """Check a configuration, and what it would alter in a state, and tell what was found; or exit."""
    catalogue, loaded = or_exit(lambda: _loaded(directory), as_json=as_json)
    plant = loaded.plant
    undated = [] if state is None else or_exit(lambda: undated_in(state, plant, catalogue), failures())
    if as_json:
        typer.echo(json.dumps({"problems": [], **_told(loaded), "undated": undated}))
    else:
        _say(directory, loaded, undated)


def check_all(directories: Sequence[Path], shards: Sequence[Shard], *, as_json: bool) -> None:
    """Check each configuration, and all of them together, and tell what was found; or exit."""
    found: dict[Path, Loaded] = {}

    def plant_of(folder: Path) -> Plant:
        found[folder] = _loaded(folder)[1]
        return found[folder].plant

    given = or_exit(lambda: places(directories, shards, plant_of), as_json=as_json)
    if not given:
        raise typer.BadParameter(
            "none of the shards has its folder in it: nothing to check", param_hint="--shards"
        )
    or_exit(lambda: check_together(given), as_json=as_json)
    doubts = unchecked(given, shards)
    if as_json:
        each = [{"folder": str(folder), **_told(loaded)} for folder, loaded in found.items()]
        typer.echo(json.dumps({"problems": [], "unchecked": doubts, "shards": each}))
        return
    for folder, loaded in found.items():
        _say(folder, loaded)
    typer.echo(f"{len(given)} shards: no two of them would get the same")
    for doubt in doubts:
        typer.echo(f"warning: {doubt}")


def _loaded(directory: Path) -> tuple[Register, Loaded]:
    """Return a configuration all of whose files can be used; raise ConfigurationError."""
    catalogue = load_catalogue(directory)
    loaded = load_with_doubts(directory, catalogue)
    load_about(directory, loaded.plant, all_forms())
    load_members(directory, loaded.plant)
    Subscriptions(loaded.plant)
    return catalogue, loaded


def _say(directory: Path, loaded: Loaded, undated: Sequence[str] = ()) -> None:
    typer.echo(f"{directory}: good: " + ", ".join(f"{n} {name}" for name, n in _counts(loaded.plant).items()))
    for doubt in (*loaded.doubts, *undated):
        typer.echo(f"warning: {doubt}")


def _told(loaded: Loaded) -> dict[str, object]:
    doubts = [asdict(doubt) for doubt in loaded.doubts]
    return {"warnings": doubts, **_counts(loaded.plant), "hash": loaded.plant.hash}


def _counts(plant: Plant) -> dict[str, int]:
    rules = len(plant.rules) + len({condition.name for condition in plant.conditions})
    return {
        "parks": len(plant.parks), "facilities": len(plant.facilities), "gateways": len(plant.gateways),
        "channels": len(plant.channels), "sources": len(plant.sources), "rules": rules,
    }  # fmt: skip
