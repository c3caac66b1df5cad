"""The service is killed, or told to end, at any instant."""

import random
import signal
import threading
import time

from tests.faults.bench import Bench, Feed
from tests.faults.invariants import check_all
from tests.faults.truth import muddled, trial


def test_smoke(bench: Bench) -> None:
    truth = trial(300, 1)
    bench.service.start()
    bench.field.send(muddled(truth.messages, 2, repeated=0.05, moved=0.05))
    bench.service.drain(300)
    print(check_all(bench, truth))
