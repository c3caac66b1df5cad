"""What accounts of instruments hold: the sum of their movements, in order of time, each of which must be possible when it comes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from plant.park import Plant
from rules.market.serials import SerialRange, SerialSet

# What an account takes in, what it passes on, and what is used up for ever.
GAINED: tuple[str, ...] = ("granted", "carried", "issued", "bought", "delivered")
PASSED: tuple[str, ...] = ("sold",)
USED: tuple[str, ...] = ("surrendered", "cancelled", "retired", "expired")
CLAIMS: tuple[str, ...] = ("surrendered", "retired")  # not after expiry
ACTS: Mapping[str, tuple[str, ...]] = {
    "allowance": ("granted", "carried", "bought", "sold", "surrendered"),
    "credit": ("bought", "sold", "surrendered", "cancelled"),
    "energy-certificate": ("issued", "bought", "sold", "retired", "expired"),
    "contract": ("delivered",),
}
# Which year it is of: of the quota, of what is surrendered for, of generation, of the consumption that is claimed.
OF_A_YEAR: Mapping[str, tuple[str, ...]] = {
    "allowance": ACTS["allowance"],
    "credit": ("surrendered",),
    "energy-certificate": ("issued", "bought", "sold", "retired"),
    "contract": ("delivered",),
}
SLACK = 1e-9  # of a holding, relative: what a sale may be above it by rounding


class MovementRefused(ValueError):
    """A movement that is not possible; the text says why."""


@dataclass(frozen=True, slots=True)
class InstrumentAccount:
    """An instrument: what its movements may be. Serials are told apart within a kind and a registry."""

    kind: str
    registry: str = ""
    serials: bool = False  # each unit of it has one
    expires: str = ""  # the last day on which it can be used, such as 2030-12-31; "": never


@dataclass(frozen=True, slots=True)
class Move:
    """A movement of an account on a day, such as 2026-11-30; `amount` is in t or MWh, `year` None where it is of none."""

    account: str
    act: str
    day: str
    amount: float
    serials: tuple[SerialRange, ...] = ()
    year: int | None = None
    id: str = ""


@dataclass(slots=True)
class Holding:
    """What one account holds, and the sum of each kind of movement by year (None: of no year)."""

    amount: float = 0.0
    serials: SerialSet = field(default_factory=SerialSet)
    sums: dict[tuple[str, int | None], float] = field(default_factory=dict)

    def sum(self, act: str, years: Iterable[int] | None = None) -> float:
        """Return how much was moved in one way, of some years or of all."""
        wanted = None if years is None else set(years)
        return sum(
            amount
            for (name, year), amount in self.sums.items()
            if name == act and (wanted is None or year in wanted)
        )


class Holdings:
    """What accounts hold; movements are taken in order of their days."""

    def __init__(self, accounts: Mapping[str, InstrumentAccount]) -> None:
        self._accounts = accounts
        self.held = {name: Holding() for name in accounts}
        self.refused: dict[str, str] = {}  # why, by the id of a movement that cannot be
        self._used: dict[tuple[str, str], SerialSet] = {}

    def take(self, move: Move) -> None:
        """Take a movement, or leave everything as it is.

        Raises
        ------
        MovementRefused
            It cannot be: a serial twice, more than is held, used after expiry, or not what such an account does.
        """
        account = self._account(move)
        check_said(account, move)
        held, used = self.held[move.account], self._used_of(account)
        if move.act in GAINED:
            self._check_new(move, account)
        else:
            _check_held(move, held)
        for serials in move.serials:
            if move.act in GAINED:
                held.serials.add(serials)
            else:
                held.serials.take(serials)
            if move.act in USED:
                used.add(serials)
        held.amount = held.amount + move.amount if move.act in GAINED else max(held.amount - move.amount, 0.0)
        key = move.act, move.year
        held.sums[key] = held.sums.get(key, 0.0) + move.amount

    def _account(self, move: Move) -> InstrumentAccount:
        if move.account not in self._accounts:
            raise MovementRefused(f"no instrument {move.account} is configured")
        return self._accounts[move.account]

    def _used_of(self, account: InstrumentAccount) -> SerialSet:
        return self._used.setdefault((account.kind, account.registry), SerialSet())

    def _check_new(self, move: Move, account: InstrumentAccount) -> None:
        """Refuse serials that anybody holds already, or that were used up."""
        for serials in move.serials:
            if (twice := self._used_of(account).shared(serials)) is not None:
                raise MovementRefused(
                    f"the serials {twice} were used up before {move.day}: a serial counts once"
                )
            for name, other in self._accounts.items():
                if (other.kind, other.registry) != (account.kind, account.registry):
                    continue
                if (twice := self.held[name].serials.shared(serials)) is not None:
                    raise MovementRefused(
                        f"{name} holds the serials {twice} on {move.day}: a serial counts once"
                    )


def check_said(account: InstrumentAccount, move: Move) -> None:
    """Refuse what a movement cannot say, whatever is held.

    Raises
    ------
    MovementRefused
        Its amount, its year, its serials or its day do not fit the account.
    """
    if move.act not in ACTS[account.kind]:
        raise MovementRefused(
            f"nothing of kind {account.kind} is {move.act}: it is {', '.join(ACTS[account.kind])}"
        )
    if not 0 < move.amount < float("inf"):
        raise MovementRefused("an amount is above 0: what leaves is said by what is done")
    needs_year = move.act in OF_A_YEAR[account.kind]
    if needs_year and move.year is None:
        raise MovementRefused("say of which year it is, with year")
    if not needs_year and move.year is not None:
        raise MovementRefused(f"what of kind {account.kind} is {move.act} is of no year: leave it out")
    _check_serials(account, move)
    if account.expires and move.act in CLAIMS and move.day > account.expires:
        raise MovementRefused(f"it expired on {account.expires}: nothing of it is {move.act} on {move.day}")


def _check_serials(account: InstrumentAccount, move: Move) -> None:
    if bool(move.serials) != account.serials:
        if account.serials:
            raise MovementRefused("each unit of it has a serial: say which with serials")
        raise MovementRefused("it has no serials: leave them out, or say serials: true of the instrument")
    for serials in move.serials:
        if serials.last < serials.first:
            raise MovementRefused(f"the serials {serials} run backwards: the first is not above the last")
    before = SerialSet()
    for serials in move.serials:
        if (twice := before.shared(serials)) is not None:
            raise MovementRefused(f"the serials {twice} are named twice")
        before.add(serials)
    count = sum(one.count for one in move.serials)
    if move.serials and count != move.amount:
        raise MovementRefused(f"{count} serials are named for {move.amount:.10g}: one is one unit")


def _check_held(move: Move, held: Holding) -> None:
    """Refuse to give up what is not held."""
    if move.amount > held.amount * (1 + SLACK):
        raise MovementRefused(
            f"{move.amount:.10g} would be {move.act} on {move.day}, and {held.amount:.10g} is held then"
        )
    for serials in move.serials:
        if (lacking := held.serials.lacks(serials)) is not None:
            raise MovementRefused(f"the serial {serials.series} {lacking} is not held on {move.day}")


def holdings(accounts: Mapping[str, InstrumentAccount], moves: Iterable[Move]) -> Holdings:
    """Return what accounts hold after movements, given in order of their days; one that cannot be is left out, and told why."""
    found = Holdings(accounts)
    for move in moves:
        try:
            found.take(move)
        except MovementRefused as refusal:
            found.refused[move.id] = str(refusal)
    return found


class EnteredMovement(Protocol):
    """A movement as people entered it; `place` is the full name of its instrument, `serials` are (series, first, last)."""

    @property
    def id(self) -> str:
        """What people call it."""
        ...

    @property
    def place(self) -> str:
        """The full name of its instrument."""
        ...

    @property
    def act(self) -> str:
        """What is done."""
        ...

    @property
    def day(self) -> str:
        """Such as 2026-11-30."""
        ...

    @property
    def amount(self) -> float:
        """In the instrument's unit."""
        ...

    @property
    def serials(self) -> tuple[tuple[str, int, int], ...]:
        """Series, first and last."""
        ...

    @property
    def year(self) -> int | None:
        """Of which year it is."""
        ...


def accounts(plant: Plant) -> dict[str, InstrumentAccount]:
    """Return the accounts of the instruments that are configured, by their full names."""
    return {
        one.id: InstrumentAccount(one.kind, one.registry, one.serials, one.expires)
        for one in plant.instruments
    }


def move_of(one: EnteredMovement) -> Move:
    """Return a movement that people entered as one of an account."""
    serials = tuple(SerialRange(*said) for said in one.serials)
    return Move(one.place, one.act, one.day, one.amount, serials, one.year, one.id)
