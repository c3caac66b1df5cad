"""Writes a meter swap into a configuration: a few new lines, and every other byte stays as somebody wrote it."""

import difflib
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from yaml import CLoader, MappingNode, Node, ScalarNode, SequenceNode, compose

from plant.configuration.environments import AnySecret
from plant.configuration.load import load
from plant.documents.documents import LARGEST_FILE
from plant.documents.files import decode, read_bytes
from plant.documents.problems import ConfigurationError
from plant.park import Channel, Plant, Swap
from plant.suggest import did_you_mean
from rules.catalogue import load_catalogue

AFTER = (
    "swaps",
    "points",
    "channels",
    "gateways",
)  # the keys of a facility behind which a new list may stand


class SwapRefused(ValueError):
    """The swap cannot be written; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A file of the configuration, and what it would become."""

    file: Path
    before: str
    after: str

    def diff(self) -> str:
        """Return the change as a unified diff."""
        before, after = (text.splitlines(keepends=True) for text in (self.before, self.after))
        return "".join(difflib.unified_diff(before, after, str(self.file), str(self.file)))

    def write(self) -> None:
        """Replace the file as a whole, its permissions kept."""
        status = self.file.stat()
        descriptor, temporary = tempfile.mkstemp(dir=self.file.parent, prefix=f".{self.file.name}-")
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            os.fchmod(descriptor, status.st_mode & 0o7777)
            if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, status.st_uid, status.st_gid)
            file.write(self.after)
            file.flush()
            os.fsync(descriptor)
        Path(temporary).replace(self.file)


def channel_of(plant: Plant, name: str) -> Channel:
    """Return the register of that full name, PARK/FACILITY/CHANNEL.

    Raises
    ------
    SwapRefused
        There is none, or it is no register.
    """
    known = {f"{one.park}/{one.facility}/{one.name}": one for one in plant.channels}
    if name not in known:
        raise SwapRefused(
            f"the configuration has no channel {name}{did_you_mean(name, known)}; write PARK/FACILITY/CHANNEL"
        )
    if known[name].kind != "register":
        raise SwapRefused(f"{name} is a {known[name].kind}; only registers have swaps")
    return known[name]


def edit(directory: Path, channel: Channel, fields: Mapping[str, str]) -> Edit:
    """Return the edit that adds a swap of a channel to its facility, once the whole configuration was checked with it.

    Parameters
    ----------
    fields
        The swap's keys and their values as YAML text, in order.

    Raises
    ------
    SwapRefused
        The facility is written in a form into which no lines can be put.
    ConfigurationError
        The configuration would be refused with it.
    """
    item = {"channel": channel.name, **fields}
    for file in sorted(p for p in directory.glob("*") if p.suffix in (".yaml", ".yml")):
        text = decode(file, read_bytes(file, LARGEST_FILE))
        facility = _facility(text, channel)
        if facility is not None:
            made = Edit(file, text, _with_item(text, facility, item, file))
            _check(directory, made, channel)
            return made
    raise SwapRefused(f"no file of {directory} has the facility {channel.park}/{channel.facility}")


def contradictions(
    channel: Channel, swap: Swap, before: tuple[int, float] | None, after: tuple[int, float] | None
) -> Iterator[str]:
    """Yield what of a swap the readings around it deny: (time [ns UTC], value) of the last before and the first from it on."""
    slack = 1e-9
    if before is not None and not math.isnan(swap.final_old) and swap.final_old < before[1] * (1 - slack):
        yield f"--final-old {swap.final_old:.10g} is below the reading {before[1]:.10g} that came before"
    if after is not None and after[1] < swap.first_new * (1 - slack):
        yield f"--first-new {swap.first_new:.10g} is above the reading {after[1]:.10g} that came after"
    newest = swap.max_rate or channel.max_rate
    steps = (
        (before, swap.final_old, channel.max_rate, "--final-old"),
        (after, swap.first_new, newest, "--first-new"),
    )
    for reading, display, limit, name in steps:
        if reading is None or math.isnan(limit) or math.isnan(display):
            continue
        hours = abs(reading[0] - swap.time) / 3.6e12
        if abs(reading[1] - display) > limit * hours * (1 + slack):
            yield f"{name} {display:.10g} and the reading {reading[1]:.10g} {hours:.3g} h from it are further apart than max_rate {limit:g} allows"


def _facility(text: str, channel: Channel) -> MappingNode | None:
    root = compose(text, CLoader)
    for park in _named(_value(root, "parks"), channel.park):
        for facility in _named(_value(park, "facilities"), channel.facility):
            return facility
    return None


def _named(node: Node | None, name: str) -> Iterator[MappingNode]:
    for item in node.value if isinstance(node, SequenceNode) else ():
        found = _value(item, "name")
        if isinstance(item, MappingNode) and isinstance(found, ScalarNode) and found.value == name:
            yield item


def _value(node: Any, key: str) -> Node | None:
    if not isinstance(node, MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _with_item(text: str, facility: MappingNode, item: Mapping[str, str], file: Path) -> str:
    """Return the text with the item at the end of the facility's swaps, or with a new list of them."""
    keys = {name.value: (name, value) for name, value in facility.value}
    after = next((keys[key] for key in AFTER if key in keys), None)
    if after is None or not all(map(_is_block, (facility, *(keys["swaps"][1:] if "swaps" in keys else ())))):
        inline = ", ".join(f"{name}: {value}" for name, value in item.items())
        line = facility.start_mark.line + 1
        raise SwapRefused(
            f"{file}:{line}: the facility is written in braces; put this into its swaps yourself: {{{inline}}}"
        )
    indent = after[0].start_mark.column
    lines = text.splitlines(keepends=True)
    place = _last_line(after[1]) + 1
    new = []
    if "swaps" in keys:
        indent = keys["swaps"][1].value[0].start_mark.column - 2
    else:
        new, indent = [f"{' ' * indent}swaps:\n"], indent + 2
    heads = [f"{' ' * indent}- ", *([" " * (indent + 2)] * (len(item) - 1))]
    new += [f"{head}{name}: {value}\n" for head, (name, value) in zip(heads, item.items(), strict=True)]
    if not lines[place - 1].endswith("\n"):
        lines[place - 1] += "\n"
    end = "\r\n" if lines[0].endswith("\r\n") else "\n"
    return "".join([*lines[:place], *(line.replace("\n", end) for line in new), *lines[place:]])


def _is_block(node: Any) -> bool:
    """Whether a node has lines of its own below it."""
    return isinstance(node, MappingNode | SequenceNode) and not node.flow_style and bool(node.value)


def _last_line(node: Any) -> int:
    """Return the line, from 0, on which a node's own text ends, comments behind it aside."""
    if _is_block(node):
        last = node.value[-1]
        return _last_line(last[1] if isinstance(node, MappingNode) else last)
    end = node.end_mark
    return int(end.line - (end.column == 0))


def _check(directory: Path, made: Edit, channel: Channel) -> None:
    """Load a copy of the configuration with the edit, and see that it changes the swaps of that channel and nothing else."""
    with tempfile.TemporaryDirectory(prefix="stackmeter-swap-") as folder:
        copy = Path(folder) / "config"
        shutil.copytree(directory, copy)
        (copy / made.file.name).write_text(made.after, encoding="utf-8", newline="")
        try:
            plant = load(copy, load_catalogue(copy), AnySecret())
        except ConfigurationError as error:
            raise ConfigurationError(
                replace(one, file=str(directory / Path(one.file).name)) for one in error.problems
            ) from error
    new = channel_of(plant, f"{channel.park}/{channel.facility}/{channel.name}")
    if len(new.swaps) != len(channel.swaps) + 1:
        raise SwapRefused(f"{made.file}: the swap would not be found again; write it by hand")
