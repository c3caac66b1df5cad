"""The matrix of roles and routes, as callers of each role meet it: `python -m tests.api.roles > tests/api/golden/roles.txt`."""

import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from api.access.caller import Role
from api.access.guard import OPEN_PATHS, least_role
from tests.api.alerts import routed
from tests.api.keyed import Keyed, every_route, state_of

STREAMS = {"/v1/live"}  # never ends, so that what the route states is taken instead
HEAD = "# What each role may ask: yes, no (403), or open to anybody without a key. Made by `python -m tests.api.roles`."


def matrix(api: Keyed) -> str:
    """Return one line a route, in the order of paths."""
    keys = {role: api.key(role, role) for role in Role}
    rows = sorted(_row(api, keys, method, path, route) for method, path, route in every_route(api.app))
    lines = [f"{path:<33} {method:<8}{' '.join(f'{one:<9}' for one in said)}" for path, method, said in rows]
    titles = f"{'':<42}{' '.join(f'{role:<9}' for role in Role)}"
    return "\n".join([HEAD, *(line.rstrip() for line in (titles, *lines)), ""])


def _row(
    api: Keyed, keys: dict[Role, str], method: str, path: str, route: object
) -> tuple[str, str, list[str]]:
    asked = example(path)
    if OPEN_PATHS.fullmatch(asked):
        return path, method, ["open"] * len(Role)
    if path in STREAMS:
        least = least_role(route.dependant)
        return path, method, ["yes" if role.may(least) else "no" for role in Role]
    return path, method, ["no" if _status(api, keys[role], method, asked) == 403 else "yes" for role in Role]


def example(path: str) -> str:
    """Return a path with something in the place of its parameters."""
    return re.sub(r"\{[^}]*\}", "1", path)


def _status(api: Keyed, key: str, method: str, path: str) -> int:
    return int(api.as_(key, path, method).status_code)


def made() -> Iterator[str]:
    """Yield the matrix of an API made for it."""
    with tempfile.TemporaryDirectory() as folder, closing(state_of(Path(folder), routed("desk"))) as state:
        api = Keyed(state)
        yield matrix(api)
        api.reader.close()


if __name__ == "__main__":
    sys.stdout.writelines(made())
