"""Columns of the API's answers that several dashboards show."""

from grafana.panels import SHARE, TONNES, TONNES_PER_HOUR
from grafana.sources import Column

PARK = Column("park")
FACILITY = Column("facility")
SOURCE = Column("source")
SCOPE = Column("scope", "number", decimals=0)
NOW = Column("now_t_per_h", "number", TONNES_PER_HOUR, 3)
NOW_UNKNOWN = Column("now_unknown.#", "number", decimals=0)  # beside the present rate
TONNES_CO2E = Column("co2e_t", "number", TONNES, 3)
COVERAGE = Column("coverage", "number", SHARE, 1)
KNOWN_FROM = Column("known_from", "timestamp", none="from-the-beginning")  # beside a coverage of it
UNHEARD = Column("unheard.#", "number", decimals=0)
MISSING = Column("shares.missing", "number", SHARE, 1)
SUBSTITUTED = Column("shares.substituted", "number", SHARE, 1)
WORST = Column("worst_source")
COMPLETE = Column("complete_until", "timestamp")

MOST = {"limit": "1000"}  # rows, where an answer comes in pages
PREVIOUS = Column("previous.co2e_t", "number", TONNES, 3)
BUDGET = Column("budget_t", "number", TONNES, 3)
BUDGET_USED = Column("budget_used_share", "number", SHARE, 1)

ALERT = (
    Column("severity", mapped=True),
    Column("status", mapped=True),
    Column("rule"),
    Column("labels.facility"),
    Column("summary"),
    Column("value", "number"),
    Column("limit", "number"),
    Column("unit"),
    Column("started_at", "timestamp"),
)
