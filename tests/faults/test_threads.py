"""A thread of the service dies where nobody looks."""

from pathlib import Path

from tests.faults.bench import Bench, Report, patched
from tests.faults.truth import Sent, trial

EXIT_SOFTWARE = 70
FATAL_TOPIC = "sm/v1/trial/works/meters/fatal"
# paho runs the callback in its network thread: alone it would let that thread die, and say it is connected.
BROKEN_CALLBACK = f"""
from ingest import subscriber, topics
classify = topics.classify
def fail(topic):
    if topic == {FATAL_TOPIC.encode()!r}:
        raise RuntimeError("injected")
    return classify(topic)
subscriber.topics.classify = fail
"""


def test_f013_an_exception_in_the_network_thread_ends_the_process_with_70(
    tmp_path: Path, report: Report
) -> None:
    """Whoever started it starts it again, and the broker gives what was not acknowledged once more."""
    truth = trial(200, seed=13)
    with Bench(tmp_path, program=patched(BROKEN_CALLBACK)) as bench:
        bench.service.start()
        bench.field.send(truth.messages[:100])
        bench.service.drain(100)
        bench.field.send([Sent(FATAL_TOPIC, b"{}")])
        code = bench.service.wait_for_end()
        told = "injected" in bench.service.log()

        bench.service = bench.another_service(tmp_path)
        with bench.service:
            bench.service.start()
            bench.field.send(truth.messages[100:])
            figures = bench.service.drain(200)
            bench.field.sent = truth.messages

            assert (code, told) == (EXIT_SOFTWARE, True)
            assert figures["stackmeter_messages{rejected}"] == 1
            report("F-013", exit_code=code, lost=0, rejected_after_restart=1)
