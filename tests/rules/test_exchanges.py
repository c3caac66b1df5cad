"""R54a over invented parks: what facilities sell each other changes no sum that holds both, and is told as what is left out."""

import numpy as np

from plant.inventory import is_counted, is_transfer
from plant.park import Source

PARKS, MOST, STEP = 10_000, 12, 2.0**-10  # sums of multiples of STEP have no rounding


def invented(random):
    """Return sources of up to four tenants of two parks: each has something of its own, and buys of others what it likes."""
    sites = [("a", "boilers"), ("a", "mill"), ("a", "shop"), ("b", "kiln")][: random.integers(2, 5)]
    sources = [source(site) for site in sites]
    for _ in range(random.integers(1, MOST)):
        buyer, seller = random.choice(len(sites), 2, replace=False)
        sources.append(source(sites[buyer], "/".join(sites[seller])))
    return [sources[place] for place in random.permutation(len(sources))]


def source(site, sold_by=""):
    return Source(0, *site, "s", 2 if sold_by else 1, "", "m", "", (), (), "kWh", sold_by=sold_by)


def test_a_sum_over_tenants_and_parks_is_the_sum_without_their_exchanges_to_the_bit():
    random = np.random.default_rng(54)
    for _ in range(PARKS):
        sources = invented(random)
        tonnes = random.integers(0, 2**20, len(sources)) * STEP
        own = np.array([not one.sold_by for one in sources])
        bought_here = np.array([one.sold_by.startswith(f"{one.park}/") for one in sources])

        everywhere = tonnes[is_counted(sources, "all")].sum()
        parks = tonnes[is_counted(sources, "park")].sum()
        tenants = tonnes[is_counted(sources, "facility")].sum()

        assert everywhere == tonnes[own].sum()
        assert parks == tonnes[own | ~bought_here].sum()
        assert tenants - tonnes[is_transfer(sources, by_park=False)].sum() == everywhere
        assert tenants - tonnes[is_transfer(sources, by_park=True)].sum() == parks
