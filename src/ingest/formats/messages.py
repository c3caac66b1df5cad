"""The native messages as typed structs: the contract that gateways read, and what the hot path decodes into.

They hold what a valid message may say. The exact code of an invalid one comes from `fields`.
"""

from typing import Annotated, Literal

import msgspec

from ingest.formats import fields

Boot = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=fields.MAX_BOOT,
        description="Names one run of the gateway; another after each restart.",
    ),
]
Seq = Annotated[
    int,
    msgspec.Meta(ge=1, le=fields.MAX_SEQ, description="Counts the messages of a boot from 1, without gaps."),
]
GatewayName = Annotated[str, msgspec.Meta(description="Must be the gateway's level of the topic.")]
ChannelName = Annotated[str, msgspec.Meta(description="The channel, as configured.")]
Time = Annotated[
    str,
    msgspec.Meta(
        description="RFC 3339 with zone, at most nine digits of a second.",
        extra_json_schema={"format": "date-time"},
    ),
]
Value = Annotated[int | float, msgspec.Meta(description="A finite number; an integer is held exactly.")]
UnitText = Annotated[str, msgspec.Meta(description="The unit of the value, such as kWh.")]
MAX_MISSING = 100  # ranges of one boot

QualityName = Literal["good", "uncertain", "bad", "calibrating", "fault"]
Correction = Annotated[
    int,
    msgspec.Meta(
        ge=fields.CORRECTIONS.start,
        le=fields.CORRECTIONS.stop - 1,
        description="Rank of a correction: the highest of a channel and time wins.",
    ),
]


class Reading(msgspec.Struct, gc=False):
    """One reading of a batch."""

    channel: ChannelName
    time: Time
    value: Value
    unit: UnitText
    quality: QualityName | None = None
    reset: bool | None = None
    correction: Correction | None = None


class Single(msgspec.Struct, gc=False):
    """A message that is one reading."""

    channel: ChannelName
    time: Time
    value: Value
    unit: UnitText
    quality: QualityName | None = None
    reset: bool | None = None
    correction: Correction | None = None
    boot: Boot | None = None
    seq: Seq | None = None
    gateway: GatewayName | None = None


class Batch(msgspec.Struct, gc=False):
    """A message of any number of readings."""

    readings: list[Reading]
    boot: Boot | None = None
    seq: Seq | None = None
    gateway: GatewayName | None = None


class Column(msgspec.Struct, gc=False):
    """One channel's values of a columnar message, one for each time; null where there is no reading."""

    unit: UnitText
    values: list[Value | None]
    quality: list[QualityName | None] | None = None
    reset: list[bool | None] | None = None
    correction: list[Correction | None] | None = None


class Columnar(msgspec.Struct, gc=False):
    """A message of several channels that share their times."""

    time: list[Time]
    columns: dict[str, Column]
    boot: Boot | None = None
    seq: Seq | None = None
    gateway: GatewayName | None = None


class Status(msgspec.Struct):
    """What a gateway says of itself; also its last will."""

    online: bool


class BootAck(msgspec.Struct):
    """What is held safely of one boot."""

    boot: Boot
    received_through: Annotated[
        int, msgspec.Meta(ge=0, description="The highest number up to which this speaks.")
    ]
    missing: Annotated[
        list[tuple[int, int]],
        msgspec.Meta(max_length=MAX_MISSING, description="First and last of each range not received yet."),
    ]


class Ack(msgspec.Struct):
    """What a gateway may purge: all that is at most `received_through` and not in `missing`."""

    acks: Annotated[
        list[BootAck],
        msgspec.Meta(
            description="The boots heard in the last seven days, latest heard first: at most 100, and 64 KiB of them."
        ),
    ]
    time: Time
