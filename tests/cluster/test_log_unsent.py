"""What a standby puts out for InfluxDB is forgotten after a while: the owner tells it."""

import sqlite3
from contextlib import closing

from store.influx.unsent import KEPT_S, Unsent


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_standby_keeps_the_newest_of_what_is_put_out_and_forgets_the_rest() -> None:
    clock = Clock()
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as state:
        for table in ("influx_reading", "influx_alert"):
            state.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY AUTOINCREMENT)")
        state.execute("CREATE TABLE influx_emission (source, hour, generation, PRIMARY KEY (source, hour))")
        unsent = Unsent(state, clock)

        def put_out(hour: int) -> None:
            state.execute("INSERT INTO influx_reading DEFAULT VALUES")
            state.execute("INSERT INTO influx_alert DEFAULT VALUES")
            state.execute("INSERT INTO influx_emission VALUES (1, ?, 0)", (hour,))

        def kept() -> list[int]:
            tables = ("influx_reading", "influx_alert", "influx_emission")
            return [state.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]

        put_out(1)
        put_out(2)
        clock.now = KEPT_S
        unsent.step()
        assert kept() == [2, 2, 2], "they may be what the owner has not told"
        put_out(3)
        state.execute("UPDATE influx_emission SET generation = 1 WHERE hour = 2")  # it changed since
        clock.now = 2 * KEPT_S - 1
        unsent.step()
        assert kept() == [3, 3, 3]
        clock.now = 2 * KEPT_S
        unsent.step()

        assert kept() == [1, 1, 2]
