"""The API's description as it is committed: `python -m tests.api.description > docs/openapi.json`."""

import json
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from tests.api.alerts import routed
from tests.api.keyed import Keyed, state_of


def text(api: Keyed) -> str:
    """Return the description of an API with all its routes, in the order in which it tells them."""
    return json.dumps(api.app.openapi(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, closing(state_of(Path(folder), routed("desk"))) as state:
        made = Keyed(state)
        sys.stdout.write(text(made))
        made.reader.close()
