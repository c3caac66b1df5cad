"""The subscriber against a real broker that waits for each acknowledgement."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from ingest.mqtt.address import broker
from ingest.mqtt.intake import Arrival
from ingest.mqtt.subscriber import MOST_PUBLISHED, Subscriber
from tests.servers import Mosquitto, wait_until

ONE_AT_A_TIME = "max_inflight_messages 1"
MESSAGES = 60
PATIENCE_S = 20  # a network thread that sleeps over its acknowledgements needs a second for each message


@contextmanager
def publisher(server: Mosquitto) -> Iterator[mqtt.Client]:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "publisher")
    client.connect("127.0.0.1", server.port)
    client.loop_start()
    yield client
    client.disconnect()
    client.loop_stop()


def acknowledge_from_another_thread(subscriber: Subscriber, arrived: "queue.Queue[Arrival]") -> None:
    def run() -> None:
        while True:
            subscriber.acknowledge([arrived.get()])

    threading.Thread(target=run, daemon=True).start()


def test_an_acknowledgement_leaves_at_once_though_nothing_else_comes_in() -> None:
    arrived: queue.Queue[Arrival] = queue.Queue()
    taken: list[Arrival] = []

    def put(arrival: Arrival) -> None:
        taken.append(arrival)
        arrived.put(arrival)

    with Mosquitto(extra=ONE_AT_A_TIME) as server, publisher(server) as client:
        subscriber = Subscriber(broker(server.url, client_id="subscriber", version="3.1.1"), put, print)
        acknowledge_from_another_thread(subscriber, arrived)
        subscriber.start()
        wait_until(lambda: subscriber.ready, "no subscription")
        for number in range(MESSAGES):
            client.publish("sm/v1/park/plant/g/readings", str(number), qos=1)
        wait_until(lambda: len(taken) == MESSAGES, "the broker waits for acknowledgements", PATIENCE_S)
        subscriber.stop()

        assert [a.message.payload for a in taken if a.message] == [str(n).encode() for n in range(MESSAGES)]
        assert not subscriber.alive


def test_solid_a3_what_no_broker_would_take_is_not_sent_and_the_connection_stays() -> None:
    with Mosquitto() as server:
        subscriber = Subscriber(broker(server.url, client_id="subscriber", version="5"), print, print)
        subscriber.start()
        wait_until(lambda: subscriber.ready, "no subscription")

        assert not subscriber.publish("sm/v1/park/totals", b" " * MOST_PUBLISHED)
        [told] = subscriber.notices()
        assert told.startswith("not published: sm/v1/park/totals would have 262")
        assert subscriber.publish("sm/v1/park/totals", b" " * (MOST_PUBLISHED - 100))
        assert (subscriber.notices(), subscriber.connections) == ([], 1)
        subscriber.stop()
