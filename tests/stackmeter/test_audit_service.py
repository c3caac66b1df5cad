"""SD-03, SD-04: what a running service enters into its audit log by itself, and how far it says that the log goes."""

import re
from pathlib import Path

from store.access_log import AccessLog, parse_head
from tests.faults.bench import Bench, patched
from tests.servers import wait_until

# An hour later, as soon as somebody sets the clock.
SET_CLOCK = "import os, time; true = time.time_ns; time.time_ns = lambda: true() + 3600 * 10**9 * os.path.exists({!r})"


def test_a_service_tells_the_head_of_its_audit_log_and_records_that_the_clock_was_set(tmp_path: Path) -> None:
    flag = tmp_path / "set"
    with Bench(tmp_path, program=patched(SET_CLOCK.format(str(flag)))) as bench:
        bench.service.start()
        log = AccessLog(bench.service.state / "keys.sqlite")
        wait_until(lambda: "audit log head 1:" in bench.service.log(), "the head is not told")
        assert bench.service.metrics()["stackmeter_audit_rows"] == 1

        flag.touch()
        wait_until(lambda: bool(log.rows(what="clock.set")), "the step is not recorded")
        assert bench.service.term() == 0

    [step] = [row.entry for row in log.rows(what="clock.set")]
    before, after = (re.findall(r"T(\d\d):(\d\d)", text)[0] for text in (step.old, step.new))
    assert (int(after[0]) - int(before[0])) % 24 == 1
    heads = re.findall(r"audit log head (\S+)", bench.service.log())
    assert parse_head(heads[-1]) == log.head()
    assert log.first_lost(map(parse_head, heads)) is None
