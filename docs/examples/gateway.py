"""A gateway of class A: each message is kept on disk, and sent again, until the service's ack covers it."""
# ruff: noqa: INP001 - to be copied

import json
import sqlite3
import time
import uuid

from paho.mqtt import client as mqtt

DUE = "SELECT rowid, payload FROM kept WHERE (missing OR ?) AND sent + min(10 << resends, 300) <= ? LIMIT 500"
COVERED = "DELETE FROM kept WHERE boot = ? AND seq <= ? AND NOT missing RETURNING 1"
HOPELESS = "DELETE FROM kept WHERE missing AND resends >= 5 AND sent + 300 <= ? RETURNING 1"


class Gateway:
    def __init__(self, place: str, file: str, host: str, port: int, password: str = "", *tls: str) -> None:
        self.topic, self.boot, self.seq, self.given_up = f"sm/v1/{place}", uuid.uuid4().hex, 0, 0
        self.clock, self.progress, self.told = time.monotonic, 0.0, ""
        self.sql = sqlite3.connect(file, isolation_level=None, check_same_thread=False).execute
        self.sql("CREATE TABLE IF NOT EXISTS kept (boot, seq, payload, sent, resends, missing)")
        self.sql("UPDATE kept SET sent = -1e9, resends = 0")  # of earlier boots
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self.client.suppress_exceptions = True  # an ack that cannot be read covers nothing
        self.client.username_pw_set(place, password)
        if tls:  # the CA's certificate; our own and its key
            self.client.tls_set(*tls)
        self.client.will_set(f"{self.topic}/status", '{"online": false}', qos=1, retain=True)
        self.client.on_connect, self.client.on_message = self._connected, self._acknowledged
        self.client.connect_async(host, port)
        self.client.loop_start()

    def send(self, readings: list[dict[str, object]]) -> None:
        payload = json.dumps({"boot": self.boot, "seq": (seq := self.seq + 1), "readings": readings})
        self.sql("INSERT INTO kept VALUES (?, ?, ?, ?, 0, 0)", [self.boot, seq, payload, self.clock()])
        self.seq = seq  # what the disk did not take has no number
        self.client.publish(f"{self.topic}/readings", payload, qos=1)

    def tend(self) -> None:  # every second
        self.given_up += len(self.sql(HOPELESS, [now := self.clock()]).fetchall())
        for row, payload in self.sql(DUE, [now - self.progress >= 10, now]).fetchall():
            self.sql("UPDATE kept SET sent = ?, resends = resends + 1 WHERE rowid = ?", [now, row])
            self.client.publish(f"{self.topic}/readings", payload, qos=1)
        if (status := json.dumps({"online": True, "given_up": self.given_up})) != self.told:
            self.client.publish(f"{self.topic}/status", status, qos=1, retain=True)
            self.told = status

    def _connected(self, *_: object) -> None:
        self.client.subscribe(f"{self.topic}/ack", qos=1)
        self.progress, self.told = float("-inf"), ""  # so that everything is sent again

    def _acknowledged(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        for ack in json.loads(message.payload)["acks"]:
            boot, through = ack["boot"], int(ack["received_through"])
            self.sql("UPDATE kept SET missing = 0 WHERE boot = ?", [boot])
            for run in ack["missing"]:
                self.sql("UPDATE kept SET missing = 1 WHERE boot = ? AND seq BETWEEN ? AND ?", [boot, *run])
            if self.sql(COVERED, [boot, through]).fetchall():
                self.progress = self.clock()
