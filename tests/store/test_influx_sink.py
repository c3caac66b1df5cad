"""The sink tells what was written, what never will be, and when to come again."""

import math
from collections.abc import Iterator
from contextlib import closing
from email.utils import formatdate

import pytest

from store.influx.sink import (
    InfluxSink,
    RefusedLine,
    SinkUnauthorised,
    SinkUnavailable,
    _Answer,
    parse_retry_after,
)
from tests.servers import RESET, Answer, InfluxDB, WebhookReceiver, paused

NOW = 1_764_000_000
JSON = {"Content-Type": "application/json"}
BAD = b"m,n=4321 v=oops 4321"


@pytest.fixture
def sink(influx: InfluxDB) -> Iterator[InfluxSink]:
    sink = InfluxSink(influx.url, influx.token, influx.org, influx.bucket)
    yield sink
    sink.close()


@pytest.fixture
def scripted(webhook_receiver: WebhookReceiver) -> Iterator[InfluxSink]:
    sink = InfluxSink(webhook_receiver.url, "a-secret-token", "org", "bucket", timeout=2.0)
    yield sink
    sink.close()


def _lines(count: int) -> list[bytes]:
    return [b"m,n=%d v=%d.5 %d" % (n, n, n) for n in range(count)]


def _block(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _count(influx: InfluxDB) -> int:
    series = influx.query("SELECT count(v) FROM m")
    return int(series[0]["values"][0][1]) if series else 0  # type: ignore[index]  # JSON


def test_a_block_is_written_with_one_request(sink: InfluxSink, influx: InfluxDB) -> None:
    assert sink.write(_block(_lines(5000))) == []

    assert _count(influx) == 5000
    assert influx.write_requests() == 1


def test_a_compressed_block_is_written_too(influx: InfluxDB) -> None:
    sink = InfluxSink(influx.url, influx.token, influx.org, influx.bucket, gzip=True)

    assert sink.write(_block(_lines(5000))) == []

    assert _count(influx) == 5000
    sink.close()


def test_a_block_that_is_sent_in_parts_ends_with_the_right_to_send(webhook_receiver: WebhookReceiver) -> None:
    webhook_receiver.default = Answer(413)
    may_send = iter([True, True, False]).__next__
    with (
        closing(InfluxSink(webhook_receiver.url, "t", "o", "b", may_send=may_send)) as sink,
        pytest.raises(SinkUnavailable, match="it is in doubt who owns the shard") as caught,
    ):
        sink.write(_block(_lines(8)))

    assert not caught.value.may_land
    assert [len(one.body.splitlines()) for one in webhook_receiver.requests] == [8, 4]


def test_an_empty_block_asks_nobody(scripted: InfluxSink, webhook_receiver: WebhookReceiver) -> None:
    assert scripted.write(b"") == []

    assert webhook_receiver.requests == []


@pytest.mark.parametrize("place", [0, 1, 2499, 2500, 4321, 4999])
def test_one_bad_line_of_5000_is_found_and_the_rest_written(
    sink: InfluxSink, influx: InfluxDB, place: int
) -> None:
    """F-055: exactly one refused, 4999 present, requests at most 2 log2(5000) + 2."""
    lines = _lines(5000)
    lines[place] = BAD

    refused = sink.write(_block(lines))

    assert [one.line for one in refused] == [BAD]
    assert "invalid" in refused[0].reason
    assert _count(influx) == 4999
    assert influx.write_requests() <= 2 * math.log2(5000) + 2


def test_a_line_of_another_type_is_found_and_the_rest_written(sink: InfluxSink, influx: InfluxDB) -> None:
    """A type conflict rejects or spares the other lines as the server likes: none of them may be missing."""
    sink.write(_block([b"m,n=0 v=1.5 99999"]))
    lines = _lines(1000)
    lines[333] = b'm,n=0 v="text" 100000'

    refused = sink.write(_block(lines))

    assert [one.line for one in refused] == [b'm,n=0 v="text" 100000']
    assert _count(influx) == 1000


def test_lines_older_than_the_retention_policy_are_refused_alone(sink: InfluxSink, influx: InfluxDB) -> None:
    """F-056: what the server says of `dropped=` is not believed."""
    influx.query(f"ALTER RETENTION POLICY autogen ON {influx.bucket} DURATION 87600h")
    recent = [b"m,n=%d v=1.0 %d" % (n, NOW * 10**9 + n) for n in range(100)]

    refused = sink.write(_block([*recent[:50], b"m v=2.0 1", b"m v=2.0 2", *recent[50:]]))

    assert [one.line for one in refused] == [b"m v=2.0 1", b"m v=2.0 2"]
    assert _count(influx) == 100


class Judge(InfluxSink):
    """A sink whose server, by the lines themselves, refuses some; counts what it is asked."""

    def __init__(self, receiver: WebhookReceiver, bad: set[bytes]) -> None:
        super().__init__(receiver.url, "t", "o", "b")
        self.bad, self.receiver, self.asked = bad, receiver, 0

    def _request(self, block: bytes) -> _Answer:
        self.asked += 1
        refused = not self.bad.isdisjoint(block.split(b"\n"))
        return _Answer(400, "bad") if refused else _Answer(204)


def test_wherever_the_bad_line_is_few_requests_find_it(webhook_receiver: WebhookReceiver) -> None:
    """Every place in 5000, without a server: the bound is a matter of counting."""
    lines = _lines(5000)
    block = _block(lines)
    for line in lines[::7]:
        judge = Judge(webhook_receiver, {line})

        assert [one.line for one in judge.write(block)] == [line]
        assert judge.asked <= 2 * math.log2(5000) + 2


def test_if_every_line_is_bad_every_line_is_refused_once(webhook_receiver: WebhookReceiver) -> None:
    lines = _lines(64)
    judge = Judge(webhook_receiver, set(lines))

    assert [one.line for one in judge.write(_block(lines))] == lines
    assert judge.asked < 3 * 64  # each once more, alone


@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_line_carries_what_the_server_said(
    scripted: InfluxSink, webhook_receiver: WebhookReceiver, status: int
) -> None:
    webhook_receiver.script(*[Answer(status, JSON, b'{"code":"invalid","message":"no such thing"}')] * 2)

    assert scripted.write(b"m v=1.0 1\n") == [RefusedLine(b"m v=1.0 1", "no such thing")]


def test_solid_b10_a_400_for_a_transfer_that_was_cut_refuses_nothing(
    scripted: InfluxSink, webhook_receiver: WebhookReceiver
) -> None:
    """What a proxy cut is a broken line to InfluxDB; the same line, whole, is taken."""
    webhook_receiver.script(Answer(400, JSON, b'{"code":"invalid","message":"unable to parse \'m v=1\'"}'))

    assert scripted.write(b"m v=1.0 1\n") == []

    assert [request.body for request in webhook_receiver.requests] == [b"m v=1.0 1"] * 2


@pytest.mark.parametrize("hidden", [Answer(502), RESET], ids=["502", "reset"])
def test_solid_b10_a_wrong_token_that_a_proxy_hides_is_told_by_one_line(
    scripted: InfluxSink, webhook_receiver: WebhookReceiver, hidden: Answer
) -> None:
    """InfluxDB answers 401 while a large block is still on its way, and nginx gives up."""
    webhook_receiver.script(
        hidden, Answer(401, JSON, b'{"code":"unauthorized","message":"unauthorized access"}')
    )

    with pytest.raises(SinkUnauthorised, match="status 401: unauthorized access"):
        scripted.write(_block(_lines(10)))

    assert webhook_receiver.requests[1].body == _lines(1)[0]


def test_a_400_that_is_not_influxdbs_refuses_nothing(
    scripted: InfluxSink, webhook_receiver: WebhookReceiver
) -> None:
    """A proxy's page says nothing about our lines."""
    webhook_receiver.script(Answer(400, {"Content-Type": "text/html"}, b"<html>Bad Request</html>"))

    with pytest.raises(SinkUnavailable, match="400"):
        scripted.write(_block(_lines(2)))


def test_a_block_too_large_is_halved(scripted: InfluxSink, webhook_receiver: WebhookReceiver) -> None:
    lines = _lines(4)
    webhook_receiver.script(413, 204, 413)

    assert scripted.write(_block(lines)) == []

    taken = [r.body for r in webhook_receiver.requests if r.answered == 204]
    assert b"\n".join(taken).split(b"\n") == lines


def test_a_single_line_too_large_is_refused(scripted: InfluxSink, webhook_receiver: WebhookReceiver) -> None:
    webhook_receiver.script(413)

    assert scripted.write(b"m v=1.0 1\n") == [RefusedLine(b"m v=1.0 1", "status 413")]


def test_a_real_body_over_the_servers_limit_is_written_in_parts(sink: InfluxSink, influx: InfluxDB) -> None:
    """F-058: 26 MB are more than InfluxDB takes at once."""
    padding = b"x" * 20_000
    lines = [b'm,n=%d v=1.0,p="%b" %d' % (n, padding, n) for n in range(1300)]

    assert sink.write(_block(lines)) == []

    assert _count(influx) == 1300
    assert influx.write_requests() == 3


@pytest.mark.parametrize("status", [401, 403, 404])
def test_who_may_not_write_is_told_so(
    scripted: InfluxSink, webhook_receiver: WebhookReceiver, status: int
) -> None:
    webhook_receiver.script(Answer(status, JSON, b'{"message":"go away"}'))

    with pytest.raises(SinkUnauthorised, match=f"{status}: go away"):
        scripted.write(b"m v=1.0 1\n")


def test_a_database_that_is_gone_is_no_fault_of_the_lines(sink: InfluxSink, influx: InfluxDB) -> None:
    """F-057: nothing is refused, and writing goes on once it is back."""
    influx.query(f"DROP DATABASE {influx.bucket}")
    with pytest.raises(SinkUnauthorised, match="database not found"):
        sink.write(_block(_lines(10)))
    influx.query(f"CREATE DATABASE {influx.bucket}")

    assert sink.write(_block(_lines(10))) == []

    assert _count(influx) == 10


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {"Content-Type": "text/html"}, b"<html>Welcome to the airport</html>"),
        Answer(200, {"Content-Type": "text/html"}, b"\xff\xfe\x00not UTF-8"),
        Answer(200),
        Answer(202),
        Answer(500, JSON, b'{"error":"disk full"}'),
        Answer(502),
        Answer(408),
        Answer(delay=3.0),
        RESET,
    ],
    ids=["200 HTML", "200 not UTF-8", "200 empty", "202", "500", "502", "408", "timeout", "reset"],
)
def test_what_is_not_a_204_is_no_success(
    scripted: InfluxSink, webhook_receiver: WebhookReceiver, answer: Answer
) -> None:
    """F-061 and the rest: the block is kept; the sink itself does not send it again, at most a line to learn why."""
    webhook_receiver.script(answer)

    with pytest.raises(SinkUnavailable) as caught:
        scripted.write(_block(_lines(10)))

    assert caught.value.retry_after is None
    assert [request.body for request in webhook_receiver.requests].count(b"\n".join(_lines(10))) == 1
    assert len(webhook_receiver.requests) <= 2
    assert scripted.write(_block(_lines(10))) == []


def test_a_redirect_is_not_followed(scripted: InfluxSink, webhook_receiver: WebhookReceiver) -> None:
    """The token must not travel to wherever somebody points."""
    with WebhookReceiver() as elsewhere:
        webhook_receiver.script(Answer(302, {"Location": f"{elsewhere.url}/api/v2/write"}))
        with pytest.raises(SinkUnavailable, match="302"):
            scripted.write(b"m v=1.0 1\n")

        assert elsewhere.requests == []


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("5", 5.0),
        ("0", 1.0),
        ("-1", None),
        ("1e9", 600.0),
        ("1000000000", 600.0),
        ("abc", None),
        ("", None),
        (None, None),
    ],
)
def test_a_busy_server_is_given_the_time_it_asks_for(
    scripted: InfluxSink,
    webhook_receiver: WebhookReceiver,
    status: int,
    header: str | None,
    wait: float | None,
) -> None:
    """F-060, between one second and ten minutes; nonsense is as nothing."""
    headers = {} if header is None else {"Retry-After": header}
    webhook_receiver.script(Answer(status, headers, b'{"message":"slow down"}'))

    with pytest.raises(SinkUnavailable) as caught:
        scripted.write(b"m v=1.0 1\n")

    assert caught.value.retry_after == wait


def test_a_date_says_how_long_to_wait(scripted: InfluxSink, webhook_receiver: WebhookReceiver) -> None:
    webhook_receiver.script(Answer(503, {"Retry-After": formatdate(usegmt=True, timeval=NOW)}))

    with pytest.raises(SinkUnavailable) as caught:
        scripted.write(b"m v=1.0 1\n")

    assert caught.value.retry_after in {1.0, 600.0}


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        (formatdate(NOW + 30, usegmt=True), 30.0),
        (formatdate(NOW - 30, usegmt=True), 1.0),
        (formatdate(NOW + 10**6, usegmt=True), 600.0),
        ("nan", None),
        ("inf", None),
        ("9" * 400, None),
        ("Fri, 99 Foo 2025 99:99:99 GMT", None),
        ("Mon, 01 Jan 99999 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_clamped_or_nothing(header: str, wait: float | None) -> None:
    assert parse_retry_after(header, NOW) == wait


def test_a_server_that_is_not_there_is_unavailable(influx: InfluxDB, sink: InfluxSink) -> None:
    """Refused, then a gateway's 502, then frozen; each time nothing is lost, and the sink recovers."""
    influx.stop()
    with pytest.raises(SinkUnavailable, match="NewConnectionError"):
        sink.write(_block(_lines(10)))
    influx.start()
    influx.kill()
    with pytest.raises(SinkUnavailable, match="502"):
        sink.write(_block(_lines(10)))
    influx.start()
    hasty = InfluxSink(influx.url, influx.token, influx.org, influx.bucket, timeout=0.3)
    with paused(influx.influxd), pytest.raises(SinkUnavailable, match="Timeout"):
        hasty.write(_block(_lines(10)))

    assert sink.write(_block(_lines(10))) == []

    assert _count(influx) == 10
    hasty.close()


@pytest.mark.parametrize("status", [400, 401, 500])
def test_the_token_is_sent_and_never_told(
    scripted: InfluxSink, webhook_receiver: WebhookReceiver, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """Not in an error, not in a reason, not in a log at any level; not even where the server echoes it."""
    caplog.set_level(0)
    webhook_receiver.script(*[Answer(status, JSON, b'{"message":"bad token a-secret-token"}')] * 2)

    told = ""
    try:
        told = repr(scripted.write(b"m v=1.0 1\n"))
    except (SinkUnavailable, SinkUnauthorised) as error:
        told = f"{error!r} {error} {error.__cause__!r}"

    assert webhook_receiver.requests[0].headers["authorization"] == "Token a-secret-token"
    assert "bad token ***" in told
    assert "a-secret-token" not in told + caplog.text + repr(scripted)


def test_a_write_names_bucket_organisation_and_nanoseconds(
    scripted: InfluxSink, webhook_receiver: WebhookReceiver
) -> None:
    scripted.write(b"m v=1.0 1\n")

    assert webhook_receiver.requests[0].path == "/api/v2/write?org=org&bucket=bucket&precision=ns"
    assert webhook_receiver.requests[0].body == b"m v=1.0 1"
