"""What a first start makes, in its order and with little else, so that it can be run often and killed."""

import json
import os
import sys
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import BinaryIO

from plant.configuration.environments import AnySecret
from plant.configuration.load import load
from plant.park import Plant
from rules.catalogue import load_catalogue
from store.access_log import make
from store.folder import Folder, keys_file
from store.messages.journal import Journal
from store.state import State

CONFIG = Path(__file__).parent / "config"


@cache
def plant() -> Plant:
    """Return the plant that is started; read once in a process, since it changes nothing on disk."""
    return load(CONFIG, load_catalogue(CONFIG), AnySecret())


def started(folder: Path) -> tuple[int, int, str]:
    """Make and open everything as a start does; return the journal's end, the state's cursor and the token."""
    own = Folder(folder)
    make(keys_file(folder))
    token = own.token(None)
    with closing(Journal(own.journal)) as journal, closing(State(own.state, plant())) as state:
        found = journal.next, state.cursor, token
    own.close()
    return found


def _spend(file: BinaryIO, call: str, times: int) -> None:
    """Make a system call some times, and none of the other kinds beside it, of which nothing remains."""
    path, new = Path(file.name), Path(f"{file.name}-new")
    once: dict[str, Callable[[], object]] = {
        "fdatasync": lambda: os.fdatasync(file.fileno()),
        "fsync": lambda: os.fsync(file.fileno()),
        "rename": lambda: path.rename(path),
        "unlink": lambda: (new.hardlink_to(path), new.unlink()),
        "ftruncate": lambda: os.ftruncate(file.fileno(), 0),
        "mkdir": lambda: (new.mkdir(), new.rmdir()),
        "pwrite64": lambda: os.pwrite(file.fileno(), b"x", 0),
    }
    for _ in range(times):
        once[call]()


def start_each(folder: Path, last: int) -> None:
    """Read [call, number] from stdin; for each start in a process of its own, and print how it ended (-9: killed).

    Whoever traces this kills a process at its call number `last` of a kind; what is spent before brings it there.
    """
    plant()
    with (folder / "spent").open("wb") as file:
        for call, number in json.load(sys.stdin):
            child = os.fork()
            if not child:
                if number:
                    _spend(file, call, last - number)
                started(folder / f"{call}-{number}")
                os._exit(0)
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    start_each(Path(sys.argv[1]), int(sys.argv[2]))
