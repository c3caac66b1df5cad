"""Tells on-call that a feed is behind, and when it has caught up, as another program would: the alert is journalled like any that is told us."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from alerts.engine.told_by_service import told_by_service
from alerts.tables.actions import AlertAction
from plant.station.feed import Feed
from store.feeds.files import FeedFiles, FeedStanding, standings


class BehindTeller:
    """Looks how far feeds are behind. What is told once more, as after a start, begins and ends no second alert.

    Parameters
    ----------
    act
        Hands what is told to the line, which takes it in its turn.
    clock
        The time [ns UTC].
    """

    def __init__(
        self, feeds: Sequence[Feed], path: Path, act: Callable[[AlertAction], None], clock: Callable[[], int]
    ) -> None:
        self._feeds, self._path, self._act, self._clock = feeds, path, act, clock
        self._is_new = True

    def look(self) -> None:
        """Tell what began and what is over since the last look; after a start also what was told before."""
        now = self._clock()
        found = standings(self._path, [feed.name for feed in self._feeds])
        with closing(FeedFiles(self._path)) as files:
            for feed, one in zip(self._feeds, found, strict=True):
                self._tell(files, feed, one, now)
        self._is_new = False

    def _tell(self, files: FeedFiles, feed: Feed, one: FeedStanding, now: int) -> None:
        behind, since = one.behind(feed.every, feed.delay, now), files.told(feed.name)
        if since is None and behind > feed.behind_after:
            since = now - behind + feed.behind_after
            files.note_told(feed.name, since)
            self._act(_action(feed, one, since, 0))
        elif since is not None and self._is_new:
            self._act(_action(feed, one, since, 0))
        if since is not None and behind <= min(feed.behind_after, feed.every):
            self._act(_action(feed, one, since, now))
            files.note_told(feed.name, None)


def _action(feed: Feed, one: FeedStanding, since: int, until: int) -> AlertAction:
    """Return that a feed is behind since a time, or with another one until when it was [ns UTC]."""
    place = {"park": feed.park, **({"facility": feed.facility} if feed.facility else {})}
    labels = {**place, "feed": feed.name}
    words = {"feed": feed.name, "waiting": str(one.waiting), "to": feed.to.shown, "error": one.last_error}
    return told_by_service(
        "feed-behind", "warning", labels, {"vi": words, "en": words}, of=feed.name, since=since, until=until
    )
