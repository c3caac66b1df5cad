"""What can be told of a main meter, and which sources a sum over tenants would count twice."""

import numpy as np
import pytest

from plant.inventory import is_transfer
from plant.park import Source
from rules.boundaries import compared

nan = np.nan


def source(park, facility, scope=2, sold_by=""):
    return Source(0, park, facility, "s", scope, "", "m", "", (), (), "kWh", sold_by=sold_by)


@pytest.mark.parametrize(
    ("amounts", "coverage", "unallocated", "imbalance", "worst"),
    [
        ([100, 60, 36], [1, 1, 1], 4, False, 0),
        ([100, 60, 34], [1, 1, 1], 6, True, 0),
        ([100, 60, 46], [1, 1, 1], -6, True, 0),
        ([100, 60, 35], [1, 0.95, 0.96], 5, False, 1),
        ([100, 60, 20], [1, 1, 0.94], 20, None, 2),
        ([100, 60, nan], [1, 1, 0], 40, None, 2),
        ([100, nan, nan], [1, 0, 0], nan, None, 1),
        ([nan, 60, 40], [0, 1, 1], nan, None, 0),
        ([0, 0, 0], [1, 1, 1], 0, None, 0),
        ([-5, 60, 40], [1, 1, 1], -105, None, 0),
    ],
)
def test_an_imbalance_is_told_or_left_open(amounts, coverage, unallocated, imbalance, worst):
    found = compared(np.array(amounts, float), np.array(coverage, float), 0.05)

    np.testing.assert_equal(found.unallocated, float(unallocated))
    assert (found.imbalance, found.worst) == (imbalance, worst)


BURNS, OTHER = source("a", "boilers", 1), source("b", "boilers", 1)
BOUGHT = source("a", "mill", 2, "a/boilers")
ABROAD = source("b", "mill", 2, "a/boilers")


@pytest.mark.parametrize(
    ("sources", "by_park", "expected"),
    [
        ([BURNS, BOUGHT], True, [False, True]),
        ([BURNS, BOUGHT], False, [False, True]),
        ([BOUGHT], True, [False]),
        ([BOUGHT, OTHER], False, [False, False]),
        ([BURNS, OTHER, ABROAD], True, [False, False, False]),
        ([BURNS, OTHER, ABROAD], False, [False, False, True]),
        ([source("a", "boilers", 2, "a/mill"), BOUGHT], True, [False, False]),
        ([], True, []),
    ],
)
def test_a_transfer_is_one_only_where_its_seller_is_in_the_sum(sources, by_park, expected):
    assert is_transfer(sources, by_park=by_park).tolist() == expected
