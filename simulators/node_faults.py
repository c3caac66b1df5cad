"""What a Sparkplug edge node, or the wire behind it, can do wrong, on request and by seed."""

from dataclasses import dataclass, fields
from enum import StrEnum

import numpy as np


class Slip(StrEnum):
    """What is wrong with one data message."""

    NONE = "none"
    DROP = "drop"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    BAD = "bad"
    STALE = "stale"
    NULL = "null"
    UNKNOWN_ALIAS = "unknown_alias"
    SEQ_256 = "seq_256"


COUNTS = frozenset((Slip.NONE, Slip.DUPLICATE, Slip.REORDER))  # its readings count all the same


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFaults:
    """How often each fault happens; none by default. Shares are of data messages, each of which suffers one at most.

    Parameters
    ----------
    drop
        Share that is lost: its sequence number never arrives.
    duplicate
        Share that is sent twice, byte for byte.
    reorder
        Share that is sent after the node's next message, but never past a birth.
    bad, stale
        Shares whose readings have the quality bad (0) or stale (500).
    null
        Share whose values are null.
    unknown_alias
        Share that names aliases of no birth.
    seq_256
        Share with the sequence number 256, which there is not.
    no_birth
        Whether births are left out.
    wrong_bdseq
        Whether deaths carry another bdSeq than the birth before.
    """

    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    bad: float = 0.0
    stale: float = 0.0
    null: float = 0.0
    unknown_alias: float = 0.0
    seq_256: float = 0.0
    no_birth: bool = False
    wrong_bdseq: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            if not 0 <= getattr(self, field.name) <= 1:
                raise ValueError(f"{field.name}: a share from 0 to 1, not {getattr(self, field.name):g}")
        if sum(self._shares()) > 1:
            raise ValueError("all shares together: not above 1")

    def slip(self, rng: np.random.Generator) -> Slip:
        """Return what is wrong with the next data message."""
        place = int(np.searchsorted(np.cumsum(self._shares()), rng.random(), side="right"))
        return (*tuple(Slip)[1:], Slip.NONE)[place]

    def _shares(self) -> list[float]:
        return [getattr(self, slip.value) for slip in tuple(Slip)[1:]]
