"""What a first start makes, in its order and with little else, so that it can be run often and killed."""

import sys
from contextlib import closing
from pathlib import Path

from plant.configuration.environments import AnySecret
from plant.configuration.load import load
from rules.catalogue import load_catalogue
from store.access_log import make
from store.folder import Folder, keys_file
from store.messages.journal import Journal
from store.state import State

CONFIG = Path(__file__).parent / "config"


def started(folder: Path) -> tuple[int, int, str]:
    """Make and open everything as a start does; return the journal's end, the state's cursor and the token."""
    plant = load(CONFIG, load_catalogue(CONFIG), AnySecret())
    own = Folder(folder)
    make(keys_file(folder))
    token = own.token(None)
    with closing(Journal(own.journal)) as journal, closing(State(own.state, plant)) as state:
        found = journal.next, state.cursor, token
    own.close()
    return found


if __name__ == "__main__":
    started(Path(sys.argv[1]))
