"""Puts readings out for InfluxDB."""

import sqlite3

import numpy as np

from plant.arrays import Readings
from store import blocks


def queue_readings(connection: sqlite3.Connection, readings: Readings) -> None:
    """Put readings, their channels by database id, into the outbox, inside a transaction."""
    columns = (readings.channel.astype(np.int32), readings.time, readings.value, readings.quality)
    connection.execute(
        "INSERT INTO influx_reading (count, readings) VALUES (?, ?)",
        (len(readings), blocks.pack_readings(*columns)),
    )
