"""The words of a Vietnamese monitoring station's text file, as both who reads it and who writes it must know them.

`Nm3` is at 25 °C there [3]_. The status is 00 measuring, 01 calibrating or 02 fault [1]_; the order of the fields is that of
open implementations [2]_.

References
----------
.. [1] Circular 10/2021/TT-BTNMT, article 39 and annex 15, table 34; before it, Circular 24/2017/TT-BTNMT.
.. [2] The text of the norm was not at hand.
.. [3] QCVN 19:2009/BTNMT, paragraph 1.3.3; QCVN 19:2024/BTNMT, paragraph 1.3.10.
"""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from plant.units import DimensionError, Unit, conversion, unit
from plant.vocabulary import Quality

FIELDS = ("symbol", "value", "unit", "time", "status")
DELIMITERS = ("\t", ";", ",")
DECIMALS = (".", ",")
TIME, ZONE = "%Y%m%d%H%M%S", ZoneInfo("Asia/Ho_Chi_Minh")
STATUS = {"00": Quality.GOOD, "01": Quality.CALIBRATING, "02": Quality.FAULT}
FAULT = "02"
# What it calls our units otherwise than we do.
UNITS = {
    "mg/Nm3": "mg/Nm3@25C",
    "ug/Nm3": "ug/Nm3@25C",
    "Nm3/h": "Nm3@25C/h",
    "oC": "°C",
    "%V": "%",
    "mg/l": "mg/L",
}
_SAME = ("pH", "m3/h", "m/s", "kPa", "mbar", "Pa")  # called as we call them
WORDS: Mapping[str, str] = {**UNITS, **{symbol: symbol for symbol in _SAME}}

# The code of what a gateway says of a reading, by its number; the worst of a slot is the greatest.
WORST = {Quality.GOOD: 0, Quality.UNCERTAIN: 0, Quality.CALIBRATING: 1, Quality.FAULT: 2, Quality.BAD: 2}


def symbol_name(symbol: str) -> str:
    """Return the name of a symbol's channel where the file is read: a point for the comma of `PM2,5`."""
    return symbol.replace(",", ".")


def word_of(own: Unit, names: Mapping[str, str]) -> tuple[str, float, float] | None:
    """Return the file's word for a unit, with scale and offset from ours to it; None where it has none.

    A unit that is called otherwise is taken as the first that it converts to: `mg/Nm3` at 0 °C becomes one at 25 °C. A share
    is not: nobody expects ppm as `%V`.
    `names` are words beside those of the circular.
    """
    words = {**WORDS, **names}
    exact = [word for word, symbol in words.items() if unit(symbol) == own]
    for word in (*exact, *(words if own.dimension != "1" else ())):
        try:
            return word, *conversion(own, unit(words[word]))
        except DimensionError:
            continue
    return None
