"""Where something is and what its clock says, from the labels of an alert, as people call it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, tzinfo

from plant.park import Facility, Park

_BELOW = ("gateway", "channel", "source")


class Places:
    """The parks and facilities by their titles; what is not among them keeps its name, on a clock of UTC."""

    def __init__(self, parks: Iterable[Park] = (), facilities: Iterable[Facility] = ()) -> None:
        parks = tuple(parks)
        self._zones = {park.name: park.zone for park in parks}
        self._parks = {park.name: park.title for park in parks}
        self._facilities = {(one.park, one.name): one.title for one in facilities}

    def titles(self, labels: Mapping[str, str]) -> list[str]:
        """Return the park and the facility, as far as it is in one."""
        park, facility = labels.get("park", ""), labels.get("facility", "")
        titles = (
            self._parks.get(park, "") or park,
            self._facilities.get((park, facility), "") or facility,
        )
        return [title for title in titles if title]

    def parts(self, labels: Mapping[str, str]) -> list[str]:
        """Return the park, the facility, and what of gateway, channel and source there is."""
        return [*self.titles(labels), *(labels[name] for name in _BELOW if labels.get(name))]

    def text(self, labels: Mapping[str, str]) -> str:
        """Return where it is in one line."""
        return " · ".join(self.parts(labels))

    def zone(self, labels: Mapping[str, str]) -> tzinfo:
        """Return the clock of its park."""
        return self._zones.get(labels.get("park", ""), UTC)
