"""The routes of the carbon market and of clean energy."""

from collections.abc import Callable

from fastapi import APIRouter

from api.market import clean_energy, movements, position
from api.market.desk import Decide
from plant.park import Plant
from rules.catalogue import Register
from store.kept_files import KeptFiles
from store.reader import Reader


def routes(
    reader: Reader,
    plant: Plant,
    files: KeptFiles,
    decide: Decide,
    clock: Callable[[], int],
    catalogue: Register | None,
) -> APIRouter:
    """Return the routes; `clock` tells the time [ns UTC], and without a catalogue there are movements alone."""
    router = APIRouter()
    router.include_router(movements.routes(reader, plant, files, decide, clock))
    if catalogue is not None:
        router.include_router(position.routes(reader, plant, catalogue, clock))
        router.include_router(clean_energy.routes(reader, plant, catalogue, clock))
    return router
