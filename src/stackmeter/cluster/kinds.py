"""What a shard may be weighed by."""

from enum import StrEnum


class WeighedBy(StrEnum):
    """What a shard is weighed by: readings a second, channels, or bytes that it grows by."""

    READINGS = "readings"
    CHANNELS = "channels"
    BYTES = "bytes"
