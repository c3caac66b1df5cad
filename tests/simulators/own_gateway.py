"""The plant of the tests of docs/examples, what its meter shows, and what the service has of it."""

import time
from typing import Any

from tests.end_to_end.asking import ask, rows
from tests.service import Service

PLACE = "park-a/mill/gw"
PLANT = """\
settings: {max_late: 20000d}
parks:
  - name: park-a
    title: Park A
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: Mill
        gateways: [{name: gw}]
        channels:
          - {name: mdb1/active_energy, gateway: gw, kind: register, unit: kWh, quantity: electricity, max_rate: 900}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: mdb1/active_energy}, factor: vn-grid}
"""
FORGETFUL = "autosave_on_changes false\nautosave_interval 1800\nmax_queued_messages 1000\n"  # Mosquitto's own defaults
ONLINE = {"online": True, "given_up": 0, "holds": ""}  # the status of docs/examples in JavaScript
GARBAGE = [  # instead of acks; BOOT is one that is there
    b"garbage", b"", b"\xff\x00", b"5", b"null", b'{"acks": 5}', b'{"acks": [null]}', b'{"acks": [{"boot": "BOOT"}]}',
    b'{"acks": [{"boot": "BOOT", "received_through": 9}]}',
    b'{"acks": [{"boot": "BOOT", "received_through": 9, "missing": "12"}]}',
    b'{"acks": [{"boot": "BOOT", "received_through": 9, "missing": [7]}]}',
    b'{"acks": [{"boot": "BOOT", "received_through": "many", "missing": []}]}',
]  # fmt: skip


def reading(number: int) -> dict[str, object]:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_769_000_000 + 60 * number))
    return {"channel": "mdb1/active_energy", "time": at, "value": float(number), "unit": "kWh"}


def holes(service: Service) -> list[Any]:
    (gateway,) = ask(service, "/v1/gateways")["gateways"]
    return [(boot["received_through"], boot["missing"]) for boot in gateway["boots"]]


def readings(service: Service) -> list[float]:
    return [value for (value,) in rows(service, "SELECT value FROM reading ORDER BY time")]
