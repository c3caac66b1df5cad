"""The header `Idempotency-Key`: what a client asks again with the same key, because no answer came, is done once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated
from uuid import uuid4

from fastapi import Depends, Header, Request

from api.access.caller import Caller
from api.problems import InvalidQuery, NotAsDescribed
from store.once import KeyUsed, is_noted, keyed_id
from store.reader import Reader

HEADER = "Idempotency-Key"
LONGEST_KEY = 255

GivenKey = Annotated[
    str | None,
    Header(
        alias=HEADER,
        min_length=1,
        max_length=LONGEST_KEY,
        pattern=r"^[\x21-\x7e]+$",
        description="a word of your own, new for each thing that you ask: asked again with it, it is done once,"
        " and answered as the first time",
        examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
    ),
]


@dataclass(frozen=True, slots=True)
class Once:
    """Gives what a request asks for its id: one of its own, or with a key always the same."""

    path: str
    key: str | None

    def number(self, caller: Caller, asked: str, row: int | None = None) -> str:
        """Return the id of what somebody asks for at this path, or of one row of it."""
        if self.key is None:
            return uuid4().hex
        key = self.key if row is None else f"{self.key} {row}"  # no key that is given has a blank
        return keyed_id(caller.name, key, f"{self.path} {asked}")

    def is_new(self, reader: Reader, number: str) -> bool:
        """Return whether nothing with this id was noted yet; raise InvalidQuery where its key was used for something else."""
        if self.key is None:
            return True
        with reader.snapshot() as state, refusing_used():
            return not is_noted(state.connection, number)


@contextmanager
def refusing_used() -> Iterator[None]:
    """Raise InvalidQuery for a key that was used for something else."""
    try:
        yield
    except KeyUsed as used:
        raise InvalidQuery((HEADER, str(used))) from None


async def once_of(request: Request, key: GivenKey = None) -> Once:
    """Return what gives the request's effect its id."""
    if len(request.headers.getlist(HEADER)) > 1:
        raise NotAsDescribed((HEADER, "given more than once"))
    return Once(request.url.path, key)


OnceOnly = Annotated[Once, Depends(once_of)]
