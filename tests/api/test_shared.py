"""What many ask at the same moment is worked out once, and never told when it is out of date."""

import asyncio
import threading

import pytest

from api import shared
from api.shared import FRESH, Shared


@pytest.fixture
def counted():
    class Counted:
        version, made = 1, 0

        def make(self):
            self.made += 1
            return self.made

    return Counted()


class Answers:
    """Answers, asked one after the other."""

    def __init__(self, version):
        self.shared = Shared(version)

    def get(self, question, as_of, make):
        return asyncio.run(self.shared.get(question, as_of, make))


@pytest.fixture
def answers(counted):
    return Answers(lambda: counted.version)


def test_what_was_answered_is_told_again_until_something_is_committed(answers, counted):
    assert [answers.get("a", FRESH, counted.make) for _ in range(3)] == [1, 1, 1]

    counted.version = 2

    assert answers.get("a", FRESH, counted.make) == 2


def test_it_grows_old_and_a_clock_that_is_set_back_makes_it_anew(answers, counted):
    times = [FRESH, 2 * FRESH - 1, 2 * FRESH, 2 * FRESH - 1]

    assert [answers.get("a", time, counted.make) for time in times] == [1, 1, 2, 3]


def test_another_question_is_another_answer(answers, counted):
    assert [answers.get(question, 1, counted.make) for question in ("a", "b", "a")] == [1, 2, 1]


def test_many_who_ask_together_wait_for_one(answers, counted):
    async def ask():
        return await asyncio.gather(*(answers.shared.get("a", 1, counted.make) for _ in range(8)))

    assert asyncio.run(ask()) == [1] * 8


def test_who_comes_while_an_answer_is_made_is_told_what_was_committed_before_they_came(answers, counted):
    begun, ends = threading.Event(), threading.Event()

    def slowly():
        begun.set()
        assert ends.wait(20)
        return counted.make()

    async def ask():
        first = asyncio.create_task(answers.shared.get("a", 1, slowly))
        await asyncio.to_thread(begun.wait, 20)
        counted.version = 2
        later = [asyncio.create_task(answers.shared.get("a", 1, counted.make)) for _ in range(8)]
        await asyncio.sleep(0)
        ends.set()
        return await asyncio.gather(first, *later)

    assert asyncio.run(ask()) == [1] + [2] * 8


def test_an_answer_that_cannot_be_made_is_not_remembered(answers, counted):
    with pytest.raises(ZeroDivisionError):
        answers.get("a", 1, lambda: 1 // 0)

    assert answers.get("a", 1, counted.make) == 1


def test_few_questions_are_remembered(answers, counted):
    for question in range(3 * shared.MOST):
        answers.get(question, 1, counted.make)

    assert len(answers.shared._kept) == shared.MOST


def test_totals_change_with_the_state_and_are_of_whom_they_are(api, morning):
    first = api.get("/v1/totals", level="all")
    morning.db.execute("UPDATE total SET co2e_t = co2e_t + 1 WHERE level = 2")
    morning.db.commit()

    assert api.get("/v1/totals", level="all")["totals"] != first["totals"]
    assert api.get("/v1/totals", level="all", period="month")["period"] != first["period"]
