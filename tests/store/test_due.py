"""How many windows a source owes of a period, and from when on it is known."""

from dataclasses import replace

import numpy as np
import pytest

from plant.vocabulary import Kind
from store.totals.due import WHOLE, Known, due_windows, known_since
from tests.rules.test_windows_by_set import MINUTE, channel, plant_of

PLANT = plant_of([channel(number, Kind.RATE) for number in range(3)])
EVER = 2**62


def plant_since(since: int | None):
    return replace(PLANT, sources=(replace(PLANT.sources[0], since=since), *PLANT.sources[1:]))


@pytest.mark.parametrize(
    ("begins", "as_of", "expected"),
    [
        (0, EVER, [(0, 10), (10, 30)]),
        (4, EVER, [(4, 10), (10, 30)]),
        (15, EVER, [(10, 10), (15, 30)]),
        (99, EVER, [(10, 10), (30, 30)]),
        (0, 20, [(0, 10), (10, 20)]),
        (0, 5, [(0, 5), (10, 10)]),
        (4, 20, [(4, 10), (10, 20)]),
    ],
)
def test_a_source_owes_the_windows_from_its_beginning_to_now(begins, as_of, expected) -> None:
    """Minutes; a stretch before its beginning or after now is empty."""
    edges = np.array([0, 10, 30]) * MINUTE
    begun = np.array([begins * MINUTE if begins else -EVER])
    due = due_windows(PLANT, [1], begun, edges, min(as_of * MINUTE, EVER))

    found = list(zip((due.start[0] // MINUTE).tolist(), (due.end[0] // MINUTE).tolist(), strict=True))
    assert found == expected
    assert due.windows[0].tolist() == [end - start for start, end in expected]


def test_the_window_in_which_it_begins_and_the_one_around_now_are_owed() -> None:
    edges = np.array([0, 30]) * MINUTE
    due = due_windows(PLANT, [0, 2], np.array([5 * MINUTE + 1, 6 * MINUTE - 1]), edges, 20 * MINUTE + 1)

    assert (due.start // MINUTE).tolist() == [[5], [5]]
    assert (due.end // MINUTE).tolist() == [[21], [21]]
    exact = due_windows(PLANT, [0], np.array([6 * MINUTE]), edges, 20 * MINUTE)
    assert (exact.start[0, 0] // MINUTE, exact.end[0, 0] // MINUTE, exact.windows[0, 0]) == (6, 20, 14)


@pytest.mark.parametrize(
    ("begins", "since", "unheard"),
    [
        (0, WHOLE, False),
        (10, WHOLE, False),
        (10.5, WHOLE, False),
        (11, 11, False),
        (15.5, 15, False),
        (19.5, 19, False),
        (20, WHOLE, True),
        (25, WHOLE, True),
    ],
)
def test_a_source_of_which_nobody_said_since_when_is_known_from_its_first_window(
    begins, since, unheard
) -> None:
    """Of the minutes 10 to 30, at 20."""
    begun = np.array([0, round(begins * MINUTE)])
    found = known_since(PLANT, [0, 1], begun, 10 * MINUTE, 30 * MINUTE, 20 * MINUTE)

    assert found.since.tolist() == [WHOLE, since * MINUTE]
    assert found.unheard.tolist() == [False, unheard]


def test_a_source_of_which_somebody_said_since_when_is_known_as_a_whole_and_heard() -> None:
    for begins in (15, 25):
        begun = np.array([begins * MINUTE])
        found = known_since(plant_since(3), [0], begun, 10 * MINUTE, 30 * MINUTE, 20 * MINUTE)
        assert (found.since.tolist(), found.unheard.tolist()) == ([WHOLE], [False])


def test_of_a_period_that_has_not_begun_nobody_is_unheard() -> None:
    found = known_since(PLANT, [0], np.array([50 * MINUTE]), 20 * MINUTE, 30 * MINUTE, 20 * MINUTE)

    assert (found.since.tolist(), found.unheard.tolist()) == ([WHOLE], [False])


def test_what_is_known_of_several_places_stands_in_their_order() -> None:
    one = Known(np.array([5]), np.array([True]))
    both = Known.concat([Known.of_nothing(), one, Known(np.array([7, 8]), np.array([False, True]))])

    assert (both.since.tolist(), both.unheard.tolist()) == ([5, 7, 8], [True, False, True])
