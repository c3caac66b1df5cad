"""Checks of the broker: who gets in, who may say what, whether a message comes through, and how it is configured."""

import secrets
import time
from pathlib import Path

from ingest.mqtt.session import TOLD_FOR, loss, stored_session
from ingest.mqtt.subscriber import SESSION_S
from ingest.subscriptions import MAX_PAYLOAD
from stackmeter.doctor.broker_kind import GUIDE, OTHERS
from stackmeter.doctor.checkup import Case, CheckResult
from stackmeter.doctor.mosquitto_file import MosquittoFile
from stackmeter.doctor.probe import NotLetIn, Probe
from stackmeter.field.access_list import CANARY
from store.folder import session_file

UNLIMITED = 1_000_000  # messages in a queue: no absence of ours reaches it
INFLIGHT = 1000
FORGED = "sm/v1/doctor/doctor/doctor/status"  # a gateway's topic, of a gateway that does not exist


def reached(case: Case) -> CheckResult:
    """Whether the broker lets the service in, at each of its addresses."""
    for place in case.address.places:
        with Probe(place):
            pass
    where = ", ".join(place.where for place in case.address.places)
    spoken = "5" if case.address.speaks_5 else "3.1.1"
    return CheckResult("ok", f"{where} lets us in as {case.address.username or 'nobody'}, over MQTT {spoken}")


def session(case: Case) -> CheckResult:
    """Whether the broker has kept the service's session, as the service found it."""
    known = stored_session(session_file(case.state))
    if known is None:
        return CheckResult("ok", "no connection of the service to a broker is remembered here yet")
    if time.time_ns() - known.lost_at < TOLD_FOR:
        return CheckResult("fail", loss(known), f"see {GUIDE}, and what gateways keep themselves")
    return CheckResult("ok", f"{known.broker} has kept the session of {known.client_id}")


def limits(case: Case) -> CheckResult:
    """Whether what the broker says of itself when it takes a connection costs readings."""
    with Probe(case.address) as probe:
        terms = probe.terms
    if costs := list(terms.costs(SESSION_S)):
        return CheckResult("warn", "; ".join(costs), f"see its section in {OTHERS}")
    if not case.address.speaks_5:
        return CheckResult("ok", "a broker states no limits over MQTT 3.1.1")
    size = "any length" if terms.packet_size is None else f"{terms.packet_size} bytes"
    return CheckResult("ok", f"{terms.receive_maximum} messages may be under way to it, of {size}")


def asks_who(case: Case) -> CheckResult:
    """Whether somebody without a name is refused."""
    try:
        with Probe(case.address, anonymous=True):
            pass
    except NotLetIn as error:
        _still_there(case)
        return CheckResult("ok", f"nobody gets in without a name: {error}")
    open_to = "everybody on this machine" if case.broker_is_here else "everybody who reaches it"
    return CheckResult(
        "warn" if case.broker_is_here else "fail",
        f"the broker lets in {open_to}, without a name",
        f"let in nobody without a name: on Mosquitto allow_anonymous false, as in deploy/mosquitto-tls.conf ({GUIDE}); others: {OTHERS}",
    )


def nameless_hears_nothing(case: Case) -> CheckResult:
    """Whether somebody without a name can listen."""
    said = _token()
    try:
        with Probe(case.address, anonymous=True) as nobody, Probe(case.address) as ours:
            granted = nobody.subscribe(CANARY)
            if not ours.publish(CANARY, said):
                return CheckResult("warn", f"cannot be told: our own user may not publish on {CANARY}")
            heard = granted and nobody.hear() is not None
    except NotLetIn:
        _still_there(case)
        return CheckResult("ok", "nobody can listen without a name")
    if not heard:
        return CheckResult("ok", "who has no name hears nothing")
    return CheckResult(
        "warn" if case.broker_is_here else "fail",
        "who has no name hears what we publish",
        f"say in the broker who may read what: on Mosquitto an acl_file ({GUIDE}); others: {OTHERS}",
    )


def _still_there(case: Case) -> None:
    """Raise NotReached where the broker is not there any more, so that it was not a refusal."""
    with Probe(case.address):
        pass


def cannot_forge(case: Case) -> CheckResult:
    """Whether our own identity, if stolen, could publish readings."""
    with Probe(case.address) as probe:
        if not (probe.tells_refusals or probe.subscribe(FORGED)):
            return CheckResult(
                "warn",
                "over MQTT 3.1.1 it cannot be told whether our own user could forge readings: it may not hear them either",
                "ask once with mqtt_version 5, if the broker speaks it",
            )
        taken = probe.publish(FORGED, b"") and (probe.tells_refusals or probe.hear() is not None)
    if taken:
        return CheckResult(
            "warn",
            "our own user may publish as a gateway, so whoever has it can forge readings",
            f"say in the broker who may publish what: on Mosquitto an acl_file ({GUIDE}); others: {OTHERS}",
        )
    return CheckResult("ok", "our own user cannot publish as a gateway")


def canary(case: Case) -> CheckResult:
    """Whether a message comes through the broker."""
    said = _token()
    with Probe(case.address) as probe:
        if not probe.subscribe(CANARY):
            return CheckResult(
                "warn", f"we may not subscribe to {CANARY}", f"readwrite {CANARY} for our user; see {GUIDE}"
            )
        taken, heard = probe.publish(CANARY, said), None
        while taken and (heard := probe.hear()) not in (None, (CANARY, said)):
            pass
    if heard is None:
        return CheckResult(
            "fail",
            f"what we publish on {CANARY} does not come back",
            "look into the broker's log, and its acl_file",
        )
    return CheckResult("ok", "a message comes through the broker")


def file_anonymous(file: MosquittoFile) -> CheckResult:
    """Whether the file lets nobody in without a name, and no plaintext out of the machine."""
    outside = [one for one in file.listeners if not one.is_local]
    plain = [one.port for one in outside if not one.is_tls]
    if plain:
        return CheckResult(
            "fail",
            f"listener {', '.join(plain)} speaks plain text beyond this machine",
            "certfile and keyfile, or listen on 127.0.0.1",
        )
    if outside and file.option("allow_anonymous", "false") == "true":
        return CheckResult(
            "fail", "allow_anonymous true, and a listener beyond this machine", "allow_anonymous false"
        )
    if file.option("allow_anonymous", "false") == "true":
        return CheckResult(
            "warn", "allow_anonymous true: everybody on this machine may publish", "allow_anonymous false"
        )
    return CheckResult("ok", "names are asked for, and TLS is spoken beyond this machine")


def file_users(file: MosquittoFile) -> CheckResult:
    """Whether there are users and rights: an empty list must not stand for an open door."""
    empty = []
    for option in ("password_file", "acl_file"):
        name = file.option(option) or file.option(f"plugin_opt_{option}")  # of Mosquitto 2.1's plugins
        if not name:
            empty.append(f"{option} is not set")
        elif not _has_lines(Path(name)):
            empty.append(f"{option} {name} is empty")
    if empty:
        return CheckResult("fail", "; ".join(empty), f"stackmeter gateway prepare and enroll; see {GUIDE}")
    return CheckResult("ok", "password_file and acl_file have lines")


def file_durable(file: MosquittoFile) -> CheckResult:
    """Whether what was acknowledged to a gateway outlives the broker."""
    wrong = []
    if file.option("persistence", "false") != "true":
        wrong.append("persistence is not true")
    if int(file.option("autosave_interval", "1800")) > 60:
        wrong.append("autosave_interval is above 60 s")
    queued = int(file.option("max_queued_messages", "1000"))
    if 0 < queued < UNLIMITED:
        wrong.append(f"max_queued_messages {queued} drops the next one while we are away")
    if wrong:
        return CheckResult(
            "fail",
            "; ".join(wrong) + ": messages are lost that gateways were told are delivered",
            "as in deploy/mosquitto-tls.conf",
        )
    return CheckResult("ok", "queues are kept on disk, and no count limits them")


def file_limits(file: MosquittoFile, largest: int = MAX_PAYLOAD) -> CheckResult:
    """Whether one gateway can take all, and whether messages of up to `largest` bytes, and larger ones, still reach us."""
    wrong = []
    inflight = int(file.option("max_inflight_messages", "20"))
    if 0 < inflight < INFLIGHT:
        wrong.append(f"max_inflight_messages {inflight} is below {INFLIGHT}: we acknowledge in groups")
    size = int(file.option("max_packet_size", "0"))
    if not size:
        wrong.append("max_packet_size is not set: one message may have 256 MB")
    elif size <= largest:
        wrong.append(
            f"max_packet_size {size} is below what the service takes ({largest} bytes), so that it cannot count what is too large"
        )
    if file.option("check_retain_source", "true") != "true":
        wrong.append("check_retain_source false: a revoked gateway's retained messages are still given out")
    if wrong:
        return CheckResult("warn", "; ".join(wrong), "as in deploy/mosquitto-tls.conf")
    return CheckResult("ok", "messages in flight, their size and retained ones are as they should be")


def _has_lines(path: Path) -> bool:
    return any(line.strip() and not line.startswith("#") for line in path.read_text().splitlines())


def _token() -> bytes:
    return secrets.token_hex(8).encode()
