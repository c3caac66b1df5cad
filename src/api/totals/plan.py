"""The routes of a plan: the way to net zero, the measures on it, and what moved a year's tonnes."""

from collections.abc import Callable

from fastapi import APIRouter

from api.totals import bridge, measures, roadmap
from plant.park import Plant
from rules.catalogue import Register
from store.reader import Reader


def routes(reader: Reader, plant: Plant, clock: Callable[[], int], catalogue: Register | None) -> APIRouter:
    """Return the routes; `clock` tells the time [ns UTC], and without a catalogue nothing saved is told in tonnes."""
    router = APIRouter()
    router.include_router(roadmap.routes(reader, plant, clock))
    router.include_router(measures.routes(reader, plant, clock, catalogue))
    router.include_router(bridge.routes(reader, plant, clock))
    return router
