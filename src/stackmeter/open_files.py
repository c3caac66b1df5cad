"""How many files and connections this process may have open, and that the API's connections leave enough for the rest."""

import logging
import resource

OWN = 100  # files of our own: databases, broker, InfluxDB, webhooks, and what a request opens
FEWEST = 10  # connections

log = logging.getLogger(__name__)


def connections_for(wanted: int) -> int:
    """Return how many connections the API may hold of those wanted; the limit is raised as far as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OWN
    if _less(soft, needed) and _less(soft, hard):
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if not _less(soft, needed):
        return wanted
    fewer = max(FEWEST, soft - OWN)
    log.warning(
        "this process may have %d files open, and max_connections = %d needs %d: the API holds %d connections; raise the limit"
        " (systemd: LimitNOFILE=%d, shell: ulimit -n %d)%s",
        soft, wanted, needed, fewer, needed, needed, "" if soft >= OWN else ", for parts of the service will fail",
    )  # fmt: skip
    return fewer


def _less(limit: int, number: int) -> bool:
    return limit != resource.RLIM_INFINITY and (number == resource.RLIM_INFINITY or limit < number)
