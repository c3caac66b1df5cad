"""The process that tells InfluxDB goes by what the service said last of how long it may."""

import math
from multiprocessing import Pipe
from threading import Event

from stackmeter.projection.worker import SendingTime, _end_with


def test_it_may_send_until_when_the_service_said_last_and_not_before_it_said_anything() -> None:
    time_left, stop = SendingTime(), Event()
    assert not time_left.lasts()
    for until, lasts in ((math.inf, True), (0.0, False)):
        service, ours = Pipe()
        service.send(until)
        service.close()
        _end_with(ours, stop, time_left)

        assert time_left.lasts() == lasts
    assert stop.is_set(), "the service is no more"
