"""The known word that was probably meant by a mistaken one, for error messages: by what it means, then by how it is spelt."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

LONGEST = 64  # a longer word is no typing mistake, and comparing it would cost time

# What people call what we call otherwise. A meaning counts only where it is among the words that are known there.
_SENSES: tuple[tuple[str, str], ...] = (
    # time zones: the cities and names that tzdata does not have
    ("Asia/Ho_Chi_Minh", "asia/hanoi asia/ha_noi asia/haiphong asia/hai_phong asia/danang asia/da_nang asia/hcmc asia/ho_chi_minh_city"),
    ("Asia/Ho_Chi_Minh", "hanoi hai_phong haiphong saigon vietnam viet_nam asia/vietnam vn ict utc+7 utc+07 utc+07:00 gmt+7 gmt+07:00 +07:00 +07"),
    # units
    ("kWh", "kilowatthour kilowatthours kilowatt-hour kilowatt-hours kw.h kwhr kw-h unit units"),
    ("kW", "kilowatt kilowatts"),
    ("W", "watt watts"),
    ("MWh", "megawatthour megawatt-hour mw.h"),
    ("°C", "celsius centigrade deg_c degrees_c degreec"),
    ("%", "percent pct percentage"),
    ("m3", "cbm cubic_meter cubic_metre cubicmeter cubicmetre"),
    ("Nm3", "ncm normal_cubic_meter nm^3"),
    ("L", "liters litres ltr"),
    ("kg", "kilogram kilograms kilo"),
    ("t", "tonnes metric_ton mt"),
    ("V", "volt volts"),
    ("A", "amp amps ampere amperes"),
    ("Hz", "hertz"),
    # kinds of channels
    ("register", "counter cumulative totalizer totaliser total accumulator index odometer meter monotonic chi_so"),
    ("rate", "power flow flowrate speed instant instantaneous"),
    ("interval", "delta increment consumption difference period"),
    ("level", "gauge analog analogue measurement sensor state average"),
    ("event", "pulse batch delivery refill occurrence"),
    # quantities
    ("active_energy", "electricity energy electric_energy electrical_energy kwh power_consumption"),
    ("active_power", "power kw load demand"),
    ("gas_volume", "gas natural_gas gas_consumption"),
    ("temperature", "temp"),
    ("co2_concentration", "co2 carbon_dioxide"),
    ("o2_concentration", "o2 oxygen"),
    ("flow", "flow_rate flowrate volume_flow"),
    # methods and factors
    ("electricity-location", "electricity grid power grid-electricity location location-based scope2 purchased-electricity"),
    ("electricity-direct", "ppa direct solar-ppa market market-based"),
    ("fuel-liquid-volume", "diesel oil fuel-oil petrol gasoline liquid-fuel"),
    ("fuel-gas-volume", "gas natural-gas fuel-gas cng"),
    ("fuel-mass", "coal biomass solid-fuel fuel lpg combustion"),
    ("heat-purchased", "steam heat district-heat purchased-heat purchased-steam"),
    ("refrigerant-top-up", "refrigerant refrigerants hfc f-gas fgas"),
    ("stack-co2", "stack cems chimney flue-gas"),
    ("wastewater-cod", "wastewater effluent cod"),
    ("vn-grid", "vietnam-grid viet-nam-grid evn grid vn-electricity"),
    # words of rules, quality and outcomes
    ("critical", "error high severe urgent page alarm p1 emergency"),
    ("warning", "warn medium minor p2"),
    ("info", "information low notice p3"),
    ("good", "ok valid"),
    ("bad", "invalid wrong"),
    ("final", "close closed closing"),
    ("approve", "approved approval"),
    ("acknowledge", "ack acknowledged"),
    ("firing", "active on"),
    ("resolved", "closed ended over"),
)  # fmt: skip
_MEANT = [(word, meaning) for meaning, words in _SENSES for word in words.split()]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant, None where none is near.

    First one that differs in the case of its letters alone, then one that means the same, then the only one that ends with
    the same part (`mdb1/power` of `power`), then the one that is spelt most alike.
    """
    if len(word) > LONGEST:
        return None
    words = list(known)
    found = _same(word, words) or _meaning(word, words) or _with_tail(word, words)
    return next(iter(found or get_close_matches(word, words, n=1)), None)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean …?)`, or nothing where no known word is near."""
    word_meant = nearest(word, known)
    return f" (did you mean {word_meant}?)" if word_meant else ""


def _same(word: str, words: Sequence[str]) -> list[str]:
    return [one for one in words if one.casefold() == word.casefold()]


def _meaning(word: str, words: Sequence[str]) -> list[str]:
    plain = "_".join(word.casefold().split())
    return [meaning for said, meaning in _MEANT if said == plain and meaning in words]


def _with_tail(word: str, words: Sequence[str]) -> list[str]:
    tail = word.casefold().rpartition("/")[2]
    found = [one for one in words if "/" in one and one.casefold().rpartition("/")[2] == tail]
    return found if len(found) == 1 else []
