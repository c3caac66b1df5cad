"""A log that answers late, twice, falsely or not at all: what is appended stands there and here once, in one order."""

import random
from contextlib import closing
from pathlib import Path

import pytest

from store.messages.journal import JournalReader, JournalWaits, Message
from store.messages.steps import RecordedStep, StepLog, StepReader
from store.replicated.journal import ReplicatedJournal
from store.replicated.log import Fenced, StepStands
from store.replicated.log_position import LogStanding
from store.replicated.log_records import GroupRecord, OwnerRecord, Record, StepRecord, decoded, encode
from store.replicated.nats_log import LogAway

TOPIC = b"sm/v1/p/f/g/readings"


class MoodyLog:
    """A log in memory that does, of each message, one of what a network can do to it."""

    most_bytes = 1 << 20

    def __init__(self, chance: random.Random) -> None:
        self._chance, self.held = chance, list[bytes]()
        self._on_its_way: list[tuple[bytes, int]] = []
        self.is_moody = False

    def standing(self) -> LogStanding:
        return LogStanding("moody", len(self.held))

    open = standing

    def append(self, stored: bytes, expected: int) -> bool:
        self._arrive()
        mood = self._chance.choice(["good", "good", "no answer", "lost", "late"]) if self.is_moody else "good"
        if mood == "late":
            self._on_its_way.append((stored, expected))
        if mood in ("lost", "late"):
            return False
        is_taken = self._take(stored, expected)
        return is_taken and mood == "good"

    def read(self, first: int, most: int = 1) -> list[bytes]:
        if self.is_moody and self._chance.random() < 0.3:
            raise LogAway("away")
        return self.held[first - 1 : first - 1 + most]

    def close(self) -> None:
        pass

    def _arrive(self) -> None:
        """Let what was on its way come, now or later."""
        for one in self._on_its_way.copy():
            if self._chance.random() < 0.5:
                self._on_its_way.remove(one)
                self._take(*one)

    def _take(self, stored: bytes, expected: int) -> bool:
        if expected == len(self.held):
            self.held.append(stored)
            return True
        return False


@pytest.mark.parametrize("seed", range(30))
def test_whatever_a_log_answers_each_append_is_there_once_and_here_in_the_same_order(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    log = MoodyLog(chance)
    with closing(ReplicatedJournal(tmp_path / "journal.db", log)) as journal:
        journal.own(OwnerRecord("a", "0", 0))
        log.is_moody = True
        steps, number, done, now = StepLog(journal), 1, 0, 0
        waiting: list[Message] = []
        while done < 25:
            now += 1
            try:
                if chance.random() < 0.5:
                    waiting = waiting or [Message(now, TOPIC, b"x")]
                    journal.append(waiting)
                    done, waiting = done + 1, []
                else:
                    steps.write(number, RecordedStep("time", now, journal.next))
                    number += 1
            except StepStands:  # it is done again as it stands
                number += 1
            except JournalWaits:
                pass
        log.is_moody = False
        if waiting:
            journal.append(waiting)

    records = [decoded(one) for one in log.held]
    groups = [one for one in records if isinstance(one, GroupRecord)]
    with closing(JournalReader(tmp_path / "journal.db")) as reader:
        messages = [one for _, group in reader.read(1, 2**62) for one in group]
    with closing(StepReader(tmp_path / "journal.db")) as reader_of_steps:
        steps_here = list(reader_of_steps.read(1))
    in_log = [one for one in records if isinstance(one, StepRecord)]
    assert len({one.received for one in messages}) == len(messages) == len(groups) == done + bool(waiting)
    assert [one.first for one in groups] == list(range(1, len(groups) + 1))
    assert [(one.number, one.step) for one in in_log][: len(steps_here)] == steps_here
    assert [one.number for one in in_log] == list(range(1, len(in_log) + 1))


@pytest.mark.parametrize(
    "record", [OwnerRecord("b", "0", 1), StepRecord(1, "time", 5, 1, b"")], ids=["owner", "step"]
)
def test_who_finds_a_message_of_another_has_nothing_more_to_say(tmp_path: Path, record: Record) -> None:
    log = MoodyLog(random.Random(1))
    with closing(ReplicatedJournal(tmp_path / "journal.db", log)) as journal:
        journal.own(OwnerRecord("a", "0", 0))
        log.held.append(encode(record))
        with pytest.raises(Fenced):
            journal.append([Message(1, TOPIC, b"x")])

        assert len(log.held) == 2
        assert journal.next == 1
