"""The inbox: devices that nobody has configured, and what their numbers may be."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.access.caller import Asking, Role
from api.access.guard import GUARDED, needs
from api.field.quarantine import printable, wanted_by
from api.pages import Cursor, Limit, Next, opened, sealed
from api.problems import InvalidQuery, documented
from plant.clock import format_time
from plant.devices.guesses import Guess, GuessedValue, guess, guess_native
from plant.park import Plant
from plant.vocabulary import Kind
from store.messages.inbox import UnknownDevice, unknown_devices
from store.reader import Reader


class GuessedValueBody(BaseModel):
    """A number in the payloads of a device, and what it may be."""

    path: str = Field(description="where it stands in the payload", examples=["meter.energy_kwh"])
    name: str = Field(description="a name for its channel", examples=["meter/energy_kwh"])
    sample: float = Field(description="the newest value", examples=[123456.7])
    quantity: str = Field(description="empty where its name does not say", examples=["active_energy"])
    kind: Kind = Field(
        description="register where the values only ever advance, else by its quantity", examples=["register"]
    )
    unit: str = Field(description="empty where nothing says", examples=["kWh"])
    unit_from: Literal["payload", "name", "guess", ""] = Field(
        description="what the unit rests on; guess: the usual one of its quantity", examples=["name"]
    )
    unit_at: str = Field(description="where the payload says the unit; else empty", examples=[""])


class UnknownDeviceBody(BaseModel):
    """A device that nobody has configured."""

    device: str = Field(
        description="park/facility/gateway, or the topic where nobody knows whose it is",
        examples=["meters/hall-2/data"],
    )
    gateway: str = Field(description="empty where nobody knows", examples=[""])
    configured: bool = Field(
        description="the gateway is configured, and only channels of it are not", examples=[False]
    )
    topic: str = Field(examples=["meters/hall-2/data"])
    count: int = Field(description="messages", examples=[120])
    first_at: str = Field(examples=["2026-11-24T04:00:00Z"])
    last_at: str = Field(examples=["2026-11-24T05:00:00Z"])
    time: str = Field(
        description="how its times seem to be written: rfc3339, s, ms, us, ns; arrival: it has none",
        examples=["s"],
    )
    time_at: str = Field(description="where; empty: it has none", examples=["ts"])
    values: list[GuessedValueBody]


class InboxBody(BaseModel):
    """Devices that nobody has configured."""

    devices: list[UnknownDeviceBody]
    next: Next = None


def routes(reader: Reader, plant: Plant) -> APIRouter:
    """Return the routes."""
    router = APIRouter(
        prefix="/v1",
        tags=["quarantine"],
        dependencies=[*GUARDED, needs(Role.OPERATOR)],
        responses=documented(401, 403, 422, 503),
    )

    @router.get("/inbox")
    def inbox(caller: Asking, limit: Limit = 100, cursor: Cursor = None) -> InboxBody:
        """Return devices whose messages no configuration takes, with what their newest messages seem to hold."""
        with reader.snapshot() as state:
            found = unknown_devices(state.connection, wanted_by(caller), _after(cursor), limit + 1)
        page = found[:limit]
        return InboxBody(
            devices=[_device(one, plant) for one in page],
            next=sealed((page[-1].name.hex(),)) if len(found) > limit else None,
        )

    return router


def _after(cursor: str | None) -> bytes:
    try:
        return bytes.fromhex(str((opened(cursor, "s") or ("",))[0]))
    except ValueError:
        raise InvalidQuery(("cursor", "take `next` of the answer before")) from None


def _device(device: UnknownDevice, plant: Plant) -> UnknownDeviceBody:
    configured = any(gateway.id == device.gateway for gateway in plant.gateways)
    guessed = _guessed(device, plant)
    return UnknownDeviceBody(
        device=printable(device.name),
        gateway=printable(device.gateway.encode()),
        configured=configured,
        topic=printable(device.topic),
        count=device.count,
        first_at=format_time(device.first),
        last_at=format_time(device.last),
        time=guessed.time,
        time_at=guessed.time_at,
        values=[_value(one) for one in guessed.values],
    )


def _guessed(device: UnknownDevice, plant: Plant) -> Guess:
    """Guess by the native contract where the topic is native, or else by whatever JSON it is."""
    if not device.gateway:
        return guess(device.samples)
    known = [c.name for c in plant.channels if f"{c.park}/{c.facility}/{c.gateway}" == device.gateway]
    native = guess_native([payload for _, payload in device.samples], known)
    return native if native.values or device.topic.startswith(b"sm/") else guess(device.samples)


def _value(value: GuessedValue) -> GuessedValueBody:
    return GuessedValueBody(
        path=printable(value.path.encode(errors="replace")),
        name=printable(value.name.encode(errors="replace")),
        sample=value.sample,
        quantity=value.quantity,
        kind=value.kind,
        unit=value.unit,
        unit_from=value.unit_from,
        unit_at=printable(value.unit_at.encode(errors="replace")),
    )
