"""What a form says of itself."""

from dataclasses import dataclass
from enum import StrEnum


class Takes(StrEnum):
    """Which periods a form is of."""

    TWO_YEARS = "two years"  # one after the other
    YEAR = "a year"
    YEARS = "one or two years"
    MONTH = "a month"
    YEARS_OR_MONTH = "years or a month"


@dataclass(frozen=True, slots=True)
class FormSpec:
    """The outside of a form."""

    name: str
    takes: Takes
    facility: bool = False  # of a facility only, not of a park
    prescribed: bool = False  # by the state: a file of it holds nothing else
    savings: bool = False  # it tells what measures saved, and what goes from facility to facility
    optional: frozenset[str] = frozenset()  # texts of about.yaml that it may be issued without

    def wrong(self, periods: tuple[str, ...]) -> str:
        """Return why periods (2025 or 2025-10) do not fit, "" where they do."""
        years = [one for one in periods if len(one) == 4]
        only_years = len(years) == len(periods) and len(set(years)) == len(years)
        consecutive = len(years) == 2 and int(years[1]) == int(years[0]) + 1
        fits = {
            Takes.TWO_YEARS: only_years and consecutive,
            Takes.YEAR: only_years and len(years) == 1,
            Takes.YEARS: only_years and (len(years) == 1 or consecutive),
            Takes.MONTH: not years and len(periods) == 1,
            Takes.YEARS_OR_MONTH: len(periods) == 1 or (only_years and consecutive),
        }
        return "" if fits[self.takes] else f"{self.name} is of {self.takes}, not of {', '.join(periods)}"
