"""What a worker says of itself at /readyz: the owner of a shard as every service does, a standby how far it is, too."""

from pydantic import BaseModel, Field

from api.models import ReadyBody


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


class WorkerBody(ReadyBody):
    """Whether a worker owns and is ready, or stands by."""

    standby: StandbyBody | None = None
