"""What a worker says of itself at /readyz: the owner of a shard as every service does, a standby how far it is, too."""

from pydantic import BaseModel, Field, field_validator

from api.models import ReadyBody
from plant.clock import parse_instant


class StandbyBody(BaseModel):
    """How far a standby is.

    Attributes
    ----------
    shard
        Its name in the log.
    owner
        Who has the lease, as the standby saw it last; None for nobody.
    current
        Whether the log had nothing more when the standby looked last.
    messages
        How many messages it has.
    step, step_at
        The last step that it did, 0 for none, and its time.
    agreed_step
        The last step after which its ledger was compared with the owner's and was equal; None where none was compared yet.
    """

    shard: str
    owner: str | None
    current: bool
    messages: int = Field(ge=0)
    step: int = Field(ge=0)
    step_at: str | None
    agreed_step: int | None

    @field_validator("step_at")
    @classmethod
    def _is_instant(cls, text: str | None) -> str | None:
        """Refuse what is no time: whoever answers may be no standby."""
        if text is not None:
            parse_instant(text)
        return text


class WorkerBody(ReadyBody):
    """Whether a worker owns and is ready, or stands by."""

    standby: StandbyBody | None = None
