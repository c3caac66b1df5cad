"""What the commands about the carbon market ask of a service."""

from api.market.position_bodies import PositionsBody
from stackmeter.client.answers import ServiceAsked


class MarketClient(ServiceAsked):
    """A client that asks for positions."""

    def positions(self, **asked: str | None) -> PositionsBody:
        """Return positions and holdings; raise `QuestionRefused` for names and years that are nowhere."""
        return self._valid(PositionsBody, self._chosen("/v1/position", **asked))
