"""What the commands about the carbon market ask of a service."""

from collections.abc import Mapping
from urllib.parse import quote

from api.market.bodies import (
    EnterMovementBody,
    ImportedMovementsBody,
    MovementBody,
    MovementDecidedBody,
    MovementsBody,
)
from api.market.position_bodies import PositionsBody
from api.records.bodies import ActBody
from stackmeter.client.answers import given
from stackmeter.client.calls import Client


class MarketClient(Client):
    """A client that asks for positions, and for movements and what becomes of them."""

    def positions(self, **asked: str | None) -> PositionsBody:
        """Return positions and holdings; raise `QuestionRefused` for names and years that are nowhere."""
        return self._valid(PositionsBody, self._chosen("/v1/position", **asked))

    def movements(self, **asked: str | None) -> list[MovementBody]:
        """Return movements, those that were entered last first; raise `QuestionRefused` where the question makes no sense."""
        pages = self._pages(MovementsBody, "/v1/movements", asked)
        return [one for page in pages for one in page.movements]

    def enter_movement(self, said: EnterMovementBody, language: str = "en") -> MovementDecidedBody:
        """Enter a movement; raise `NotTaken` with the reason where the service does not take it."""
        body = said.model_dump(exclude_none=True)
        taken = self._taken("POST", "/v1/movements", json=body, params={"language": language})
        return self._valid(MovementDecidedBody, taken)

    def decide_movement(self, number: str, said: ActBody, language: str = "en") -> MovementDecidedBody:
        """Decide of a movement; raise `NotTaken` with the reason where the service does not."""
        path, body = f"/v1/movements/{quote(number, safe='')}", said.model_dump(exclude_none=True)
        taken = self._taken("POST", path, json=body, params={"language": language})
        return self._valid(MovementDecidedBody, taken)

    def import_movements(self, content: bytes, asked: Mapping[str, str | None]) -> ImportedMovementsBody:
        """Enter a table of movements, or only check it; raise `NotTaken` with the reason where the service does not."""
        path = "/v1/movements/import"
        return self._valid(
            ImportedMovementsBody, self._taken("POST", path, content=content, params=given(**asked))
        )
