"""10,000 messages, stored rows and configurations that want to stop a running line: each costs itself, and nothing else."""

import random
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.line.batch import Batch
from plant.configuration.load import load
from plant.documents.problems import ConfigurationError
from rules.catalogue import Register, load_catalogue
from store.messages.journal import DECISION, Message
from store.messages.news import News
from tests.faults.poison import (
    CURSED,
    MS,
    STAGES,
    SUBSCRIPTIONS,
    Poison,
    cursed_stage,
    large,
    poisons,
    reading,
)
from tests.faults.test_stored_rows import WRONG, looked_at, put
from tests.ingest.sparkplug.edge import DOUBLE, bdseq, payload
from tests.semantics.conftest import MEMORY
from tests.semantics.world import CONFIGURATION, MINUTE, NOON, SECOND, SITE, World, rfc3339

MESSAGES, ROWS, REFUSED, CHANGED = 9_448, 500, 40, 12
GROUP, OF_THEM_GOOD = 240, 40  # messages that arrive together
SECRETS = {"SEMANTICS_SECRET": "whsec_" + "A" * 40}


@cache
def factors() -> Register:
    """Return the factors, which no configuration here changes: to read them takes longer than all else of it."""
    return load_catalogue(CONFIGURATION)


class Bug(Exception):
    """What no code of ours raises knowingly."""


class Attacked(World):
    """A service in which bugs wait for whatever is cursed, and whose state somebody else writes into."""

    may_set_aside = True
    dice = random.Random(11)

    def _load(self, config: Path) -> None:
        self.config, self.catalogue = config, factors()
        self.plant = load(config, self.catalogue, SECRETS)

    def _open(self) -> None:
        super()._open()
        line = self.line
        stages = list(line.stages)
        for place in range(STAGES, 0, -1):
            stages.insert(place, lambda batch, place=place: _fail(batch, place))  # type: ignore[misc]
        line.stages = tuple(stages)
        judge = line._following._watch.see

        def see(untold: Sequence[News], now: int) -> None:
            judge(untold, now)
            if self.dice.random() < 0.03:
                raise Bug("the alert rules")

        line._following._watch.see = see  # type: ignore[method-assign]


def _fail(batch: Batch, place: int) -> None:
    """Fail where a value is cursed to fail at this stage."""
    values = np.array(batch.raw.value, np.float64)
    for value in values[(values >= CURSED) & (values < CURSED + 100_000)].tolist():
        if cursed_stage(value) == place:
            raise Bug(f"stage {place}")


class Good:
    """Good messages of four gateways, and what has to be there of them."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()
        self.value: dict[str, float] = {}

    def next(self) -> Message:
        number = self.sent.total()
        topic, body = (self._diesel, self._other, self._register, self._node)[number % 4](number)
        return Message(NOON + 60 * MINUTE, topic.encode(), body)

    def _say(self, channel: str, number: int, value: float, unit: str, gateway: str) -> tuple[str, bytes]:
        self.sent[channel] += 1
        self.value[channel] = value
        made = {
            "readings": [reading(channel, rfc3339(NOON + number * 1500 * MS), value, unit)],
            "boot": "good",
            "seq": self.sent[channel],
        }
        return f"sm/v1/{SITE}/{gateway}/readings", repr(made).replace("'", '"').encode()

    def _diesel(self, number: int) -> tuple[str, bytes]:
        return self._say("diesel", number, 1.0, "L", "gw")

    def _other(self, number: int) -> tuple[str, bytes]:
        return self._say("other", number, 2.0, "L", "gw2")

    def _register(self, number: int) -> tuple[str, bytes]:
        self.sent["reg"] += 1
        made = f"reg,{rfc3339(NOON + number * 1500 * MS)},{100 + number * 0.01},kWh".encode()
        self.value["reg"] = 100 + number * 0.01
        return "csv/gw", made

    def _node(self, number: int) -> tuple[str, bytes]:
        """Return a birth at first, and data by alias after it."""
        count = self.sent["power"]
        self.sent["power"] += 1
        metric: dict[str, Any] = {"alias": 1, "value": 3.0}
        if not count:
            metric = {"name": "Power", "alias": 1, "datatype": DOUBLE, "value": 3.0, "unit": "kW"}
        body = payload((NOON + number * 1500 * MS) // MS, count % 256, *([] if count else [bdseq(0)]), metric)
        return f"spBv1.0/G/{'NDATA' if count else 'NBIRTH'}/good", body


@pytest.fixture
def world() -> Iterator[Attacked]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        config = Path(folder) / "config"
        shutil.copytree(CONFIGURATION, config)
        plant = config / "plant.yaml"
        plant.write_text(plant.read_text() + SUBSCRIPTIONS)
        yield Attacked(Path(folder), config)


def test_solid_poison_whatever_10_000_of_them_provoke_costs_itself(world: Attacked) -> None:
    dice, good = random.Random(7), Good()
    stream = iter([*islice(poisons(3), MESSAGES - 20), *large(5)])
    kept: dict[int, Poison] = {}  # by offset
    decided, statuses, rows, sent = 0, 0, Counter[str](), 0
    nasty = GROUP - OF_THEM_GOOD
    steps = MESSAGES // nasty + 1
    changes = iter(configurations(world, dice))
    for step in range(steps):
        wave: list[Poison | None] = [*islice(stream, nasty), *[None] * OF_THEM_GOOD]
        dice.shuffle(wave)
        if step % 4:  # else they lie scattered, which takes the line four times as long
            wave.sort(key=_is_at_fault)
        messages = [good.next() if one is None else one.message(world.now) for one in wave]
        first = world.journal.append(messages)
        for offset, one in enumerate(wave, first):
            sent += one is not None
            if one is not None and one.code is not None:
                kept[offset] = one
            decided += bool(one and one.flags & DECISION)
            statuses += bool(one and one.topic == f"sm/v1/{SITE}/gw2/status")
        while world.line.step():
            pass
        assert world.line.next == first + len(wave), "the line stands"
        if step % (steps // CHANGED) == steps // CHANGED - 1 and (changed := next(changes, None)):
            rows += poison_rows(world, dice, ROWS // CHANGED + 1)
            world.restart(changed)
            refused_configurations(world, dice, REFUSED // CHANGED + 1)

    assert sent == MESSAGES
    assert sum(rows.values()) >= ROWS
    assert_all(world, good, kept, rows)
    assert world.rows("SELECT count(*) FROM decision WHERE outcome = 'refused'") == [(decided,)]
    assert world.rows("SELECT count FROM gateway_status WHERE gateway = ?", f"{SITE}/gw2") == [(statuses,)]
    world.restart()
    world.journal.append([good.next() for _ in range(40)])
    while world.line.step():
        pass
    assert_all(world, good, kept, rows)
    world.close()


def _is_at_fault(one: Poison | None) -> bool:
    return one is not None and (one.code == "fault" or bool(one.flags & DECISION))


def assert_all(world: World, good: Good, kept: dict[int, Poison], rows: Counter[str]) -> None:
    """Assert that exactly what was poisoned is set aside, and that everything good counts."""
    quarantine = dict(world.rows("SELECT message, code FROM quarantine"))
    assert quarantine.keys() == kept.keys(), sorted(quarantine.keys() ^ kept.keys())[:9]
    differs = {
        offset: quarantine[offset]
        for offset, one in kept.items()
        if one.code and one.code != quarantine[offset]
    }
    assert differs == {}
    faults = {offset for offset, code in quarantine.items() if code == "fault"}
    assert faults == {offset for offset, one in kept.items() if one.code == "fault"}
    assert "decoder" not in quarantine.values()
    for channel, count in good.sent.items():
        assert len(world.stored(channel)) == count, channel
        assert world.stored(channel)[-1][0] == pytest.approx(good.value.get(channel, 3.0))
    assert Counter(table for table, _ in world.aside()) == rows


def poison_rows(world: World, dice: random.Random, count: int) -> Counter[str]:
    """Write rows that cannot be read into the state behind the line's back; return how many of each table."""
    found = Counter[str]()
    # Two rows that differ in no key, or in no content that is unique, would be one; that these are looked at too, test_stored_rows shows.
    keys = set(
        world.rows("SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE c.pk")
    )
    others = ("quarantine", "decision", "boot", "period", "source", "channel", "replay", "term")
    fields = [one for one in looked_at(world) if one[0] not in others and one[:2] not in keys]
    for number in range(count):
        table, column, kind, _ = dice.choice(fields)
        wrong = dice.choice(WRONG[kind])
        put(
            world,
            table,
            column,
            "'abc'" if kind == "REAL" else wrong,
            key=dice.randrange(10**9, 10**15) + number,
        )
        found[table] += 1
    return found


def configurations(world: World, dice: random.Random) -> Iterator[Path]:
    """Yield configurations that turn what nobody's good reading needs upside down."""
    text = (world.config / "plant.yaml").read_text()
    changes: list[tuple[str, str]] = [
        (r"name: much", "name: less"),
        (r"above: 400", "below: 400"),
        (r"(name: free, gateway: gw, kind: )register", r"\1interval, period: 1h"),
        (r"max: 1000, max_gap: 10min", "max: 1e9, max_gap: 1min"),
        (r"(name: quarter, gateway: gw, kind: )interval(.*), period: 15min", r"\1event\2"),
        (
            r"\{name: held, method: electricity-location, inputs: \{energy: held\}, factor: vn-grid\}\n *- ",
            "",
        ),
        (
            r"- \{name: hot,.*\n",
            "- {name: hot, facility: works, channel: co2, above: 4, severity: info, summary: x}\n",
        ),
        (r"zone: Asia/Ho_Chi_Minh", "zone: Asia/Ho_Chi_Minh"),
    ]
    for number in range(CHANGED):
        made = text
        for pattern, into in dice.sample(changes, dice.randrange(1, 4)):
            made = re.sub(pattern, into, made)
        folder = world.folder / f"config-{number}"
        shutil.copytree(world.folder / "config", folder)
        (folder / "plant.yaml").write_text(made)
        try:
            load(folder, world.catalogue, SECRETS)
        except ConfigurationError:
            (folder / "plant.yaml").write_text(text)
        yield folder


def refused_configurations(world: World, dice: random.Random, count: int) -> None:
    """Load what nobody should be able to load: problems by file and line, and nothing else."""
    text = (world.config / "plant.yaml").read_text()
    folder = world.folder / "refused"
    for _ in range(count):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(world.folder / "config", folder)
        cut = dice.randrange(100, len(text) - 100)
        junk = dice.choice(["\x00", "\x07", "\ud800", "{" * 500, "[" * 5000])
        (folder / "plant.yaml").write_bytes(
            (text[:cut] + "\n" + junk + "\n" + text[cut:]).encode(errors="surrogatepass")
        )
        with pytest.raises(ConfigurationError) as caught:
            load(folder, world.catalogue, SECRETS)
        assert caught.value.problems


def test_solid_poison_the_messages_are_as_nasty_as_they_say() -> None:
    """Of each kind there are some, and no two are alike: else one would be another's duplicate."""
    found = list(islice(poisons(3), MESSAGES))

    assert len({(one.topic, one.payload) for one in found if one.code is not None}) == sum(
        one.code is not None for one in found
    )
    assert sum(one.code == "fault" for one in found) > 300
    assert {cursed_stage(CURSED + number) for number in range(100)} == set(range(1, STAGES + 1))
    assert SECOND == 1000 * MS
