"""The words that code, configuration, API, MQTT, InfluxDB and dashboards share."""

from enum import IntEnum, StrEnum

NS_PER_S = 1_000_000_000
NS_PER_MIN = 60 * NS_PER_S
NS_PER_HOUR = 3600 * NS_PER_S
NS_PER_DAY = 24 * NS_PER_HOUR
LONGEST_RECORD = 366 * NS_PER_DAY  # what a person enters is of no longer stretch
SINCE_EVER = -(2**62)  # ns UTC, before any reading
FOREVER = 2**62  # ns UTC, after any reading
NEVER = SINCE_EVER  # the time of what has not been


class Kind(StrEnum):
    """How a channel's numbers turn into amounts."""

    REGISTER = "register"
    RATE = "rate"
    INTERVAL = "interval"
    LEVEL = "level"
    EVENT = "event"


class Quality(IntEnum):
    """What the gateway says of a reading, best first; a reading that says nothing is good.

    Only `GOOD` and `UNCERTAIN` count.
    """

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2
    CALIBRATING = 3
    FAULT = 4


class Flag(IntEnum):
    """Bits of a reading's `flags`."""

    RESET = 1  # the payload said `"reset": true`
    CONFLICT = 2  # another value came for the same channel and time


class Verdict(IntEnum):
    """What the windows made of a reading."""

    COUNTED = 0  # the step to it counts
    UNCOUNTED = 1  # its quality does not count
    OUTLIER = 2
    HELD = 3  # implausible, and nothing has come after it yet
    ANOMALY = 4  # a new baseline; the step to it counts for nothing
    RESET = 5
    ROLLOVER = 6
    BASELINE = 7  # the first of its meter


# Readings that later ones step from.
BASELINES = (Verdict.COUNTED, Verdict.ANOMALY, Verdict.RESET, Verdict.ROLLOVER, Verdict.BASELINE)


class Outcome(StrEnum):
    """How a message, or a reading of a decoded message, ends: exactly one of these."""

    ACCEPTED = "accepted"
    LATE = "late"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"
    REJECTED = "rejected"


class Code(StrEnum):
    """Why a message was rejected or quarantined. Stable: dashboards and rules may name them."""

    TOO_LARGE = "too_large"
    TOPIC = "topic"
    RETAINED = "retained"
    EMPTY = "empty"
    NOT_JSON = "not_json"
    BAD_UTF8 = "bad_utf8"
    BOM = "bom"
    NON_FINITE = "non_finite"
    OUT_OF_RANGE = "out_of_range"
    DUP_KEY = "dup_key"
    TOO_DEEP = "too_deep"
    TRAILING = "trailing"
    SCHEMA = "schema"
    TYPE = "type"
    NULL_VALUE = "null_value"
    BAD_ID = "bad_id"
    UNIT_MISSING = "unit_missing"
    UNIT_UNKNOWN = "unit_unknown"
    DIMENSION = "dimension"
    TS_NAIVE = "ts_naive"
    TS_INVALID = "ts_invalid"
    TS_PRECISION = "ts_precision"
    TS_OLD = "ts_old"
    TS_FUTURE = "ts_future"
    QUALITY = "quality"
    RANGE = "range"
    BELOW_MIN = "below_min"
    SEQ = "seq"
    CONFLICT_SEQ = "conflict_seq"
    IDENTITY_MISMATCH = "identity_mismatch"
    UNMAPPED = "unmapped"
    DECODER = "decoder"  # a decoder failed in a way nobody foresaw
    FAULT = "fault"  # so did what comes after decoding
