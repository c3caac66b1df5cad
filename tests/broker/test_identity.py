"""Who gets into the broker, and as whom: deploy/mosquitto-tls.conf with what `stackmeter gateway` makes."""

import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.mqtt.address import broker as broker_address
from ingest.mqtt.subscriber import Subscriber
from stackmeter.field.identities import SERVICE, Identities
from tests.broker.production import G1, G2, WATCHER, Peer, Production, RefusedError, hearing
from tests.servers import listeners, required, wait_until


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Production]:
    required("openssl")
    with Production(tmp_path) as made:
        yield made


def refused(peer: Peer) -> bool:
    try:
        with peer:
            return False
    except RefusedError:
        return True


def expired(broker: Production) -> Path:
    """Return a certificate of our own CA whose time is over."""
    folder = shutil.copytree(broker.identities.issue(G1, 30), broker.folder / "expired")
    path = broker.identities.path
    request = ["req", "-new", "-key", str(folder / "gateway.key"), "-out", str(folder / "request")]
    sign = ["ca", "-batch", "-notext", "-in", str(folder / "request"), "-out", str(folder / "gateway.crt")]
    dates = ["-startdate", "20200101000000Z", "-enddate", "20210101000000Z"]
    for arguments in ([*request, "-subj", "/CN=p1\\/mill\\/g1"], [*sign, *dates]):
        subprocess.run(
            ["openssl", *arguments, "-config", "ca/openssl.cnf"], cwd=path, check=True, capture_output=True
        )
    return folder


def test_sm01_four_certificates_that_let_nobody_in_and_one_that_does(
    broker: Production, tmp_path: Path
) -> None:
    """None, a foreign CA's, one that has expired, one that was revoked; the good one's name is the user."""
    good = broker.enroll(G1)
    foreign = Identities(tmp_path / "foreign")
    foreign.prepare(["localhost"], 30)
    old, gone = expired(broker), broker.enroll(G2)
    broker.identities.revoke(G2, None)
    broker.write_acl()
    broker.restart()

    assert refused(broker.with_certificate(None))
    assert refused(broker.with_certificate(foreign.issue(G1, 30)))
    assert refused(broker.with_certificate(old))
    assert refused(broker.with_certificate(gone))
    with broker.with_certificate(good) as gateway:
        assert gateway.publish(f"sm/v1/{G1}/readings")
    assert f"u'{G1}'" in broker.process.log()


def test_sm01_a_certificate_that_ends_shuts_out_at_the_reload_and_for_good_at_the_restart(
    broker: Production,
) -> None:
    """Mosquitto reads its revocation list when it starts; the access list says at once that nothing may be done."""
    folder = broker.enroll(G1)
    broker.reload()
    with broker.with_certificate(folder) as gateway:
        assert gateway.publish(f"sm/v1/{G1}/readings")
        broker.identities.revoke(G1, None)
        broker.write_acl()
        broker.reload()
        assert not gateway.publish(f"sm/v1/{G1}/readings")
    broker.restart()

    assert refused(broker.with_certificate(folder))


def test_sm01_the_broker_s_own_certificate_lets_no_gateway_in(broker: Production) -> None:
    folder = broker.folder / "stolen"
    folder.mkdir()
    for name in ("key", "crt"):
        shutil.copy(broker.identities.path / f"server.{name}", folder / f"gateway.{name}")

    assert refused(broker.with_certificate(folder))


def test_sm01_tls_older_than_1_2_is_not_spoken(broker: Production) -> None:
    context = broker.tls()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1

    with (
        socket.create_connection(("127.0.0.1", broker.by_password)) as plain,
        pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"),
        context.wrap_socket(plain, server_hostname="localhost"),
    ):
        pass


def test_a_password_lets_its_own_user_in_and_a_removed_one_nobody(broker: Production) -> None:
    broker.enroll(G2, certificate=False)
    broker.reload()
    with broker.with_password(G2) as gateway:
        assert gateway.publish(f"sm/v1/{G2}/readings")
    assert refused(broker.with_password(G2, password="wrong"))

    broker.identities.revoke(G2, None)
    broker.write_acl()
    broker.reload()

    assert refused(broker.with_password(G2))


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_service_trusts_a_broker_over_tls_by_the_authority_it_is_given(broker: Production) -> None:
    url = broker.url.replace("mqtt://", "mqtts://")
    url = url.replace(f"127.0.0.1:{broker.inner}", f"localhost:{broker.by_password}")
    for authority, is_trusted in ((broker.identities.path / "ca.crt", True), (None, False)):
        address = broker_address(url, client_id="stackmeter", version="3.1.1", ca=authority)
        subscriber = Subscriber(address, lambda _arrival: None, print)
        subscriber.start()
        if is_trusted:
            wait_until(lambda: subscriber.ready, "not connected")  # noqa: B023 - it is over before the next
        else:
            wait_until(lambda: "is not to be trusted" in subscriber.last_error, "it does not say why")  # noqa: B023
            assert not subscriber.ready
        subscriber.stop()


@pytest.mark.parametrize("stolen", ["stackmeter", G2])
@pytest.mark.parametrize("certificate", [True, False])
def test_sm02_f030_a_gateway_takes_no_session_by_giving_another_one_s_client_id(
    broker: Production, stolen: str, certificate: bool
) -> None:
    folder = broker.enroll(G1, certificate=certificate)
    second = broker.enroll(G2)
    broker.reload()
    thief = (
        broker.with_certificate(folder, client_id=stolen)
        if certificate
        else broker.with_password(G1, client_id=stolen)
    )

    with broker.inside(SERVICE, client_id="stackmeter") as service, broker.with_certificate(second) as victim:
        service.subscribe("sm/v1/#")
        with thief:
            thief.publish(f"sm/v1/{G1}/readings", b"mine")
            service.wait_for(f"sm/v1/{G1}/readings", b"mine")
        assert victim.publish(f"sm/v1/{G2}/readings", b"still here")
        service.wait_for(f"sm/v1/{G2}/readings", b"still here")
        assert service.losses + victim.losses == []

    assert "already connected" not in broker.process.log()


def test_sm10_nobody_comes_in_without_a_name_and_only_tls_is_heard_outside(broker: Production) -> None:
    assert refused(Peer(broker.inner, None, None))
    assert refused(Peer(broker.by_password, None, None, tls=broker.tls()))
    assert refused(Peer(broker.by_password, WATCHER, broker.passwords[WATCHER]))
    assert refused(Peer(broker.by_certificate, WATCHER, broker.passwords[WATCHER]))

    open_to_all = {port for address, port in listeners(broker.process.pid) if address not in LOOPBACK}
    assert open_to_all == {broker.by_certificate, broker.by_password}


LOOPBACK = {"0100007F", "00000000000000000000000001000000"}


def test_sm11_a_name_with_a_wildcard_has_no_rights_though_our_ca_signed_it(broker: Production) -> None:
    folder = broker.identities.issue("+/+/+", 30)
    broker.write_acl()
    broker.reload()

    with hearing(broker) as heard, broker.with_certificate(folder) as gateway:
        assert not gateway.publish("sm/v1/+/+/+/readings".replace("+", "p1"))
        gateway.subscribe("#")
        assert heard() == []
        assert gateway.heard == []


def test_sm14_the_log_names_who_came_who_went_and_who_was_refused(broker: Production) -> None:
    broker.enroll(G1, certificate=False)
    broker.reload()
    with broker.with_password(G1):
        pass
    assert refused(broker.with_password(G1, password="wrong"))
    wait_until(lambda: "not authorised" in broker.process.log(), "the log is silent")

    log = broker.process.log()

    assert f"as {G1} (" in log
    # 2.0 says "Client g disconnected.", 2.1 "Client g [127.0.0.1:1234] disconnected: by the client."
    assert re.search(rf"Client {G1}( \[.*\])? disconnected(?!.*not authorised)", log)
    # 2.0.11 does not say whom it refused; docs/broker.md does.
    assert re.search(rf"Client ({G1}|<unknown>)( \[.*\])? disconnected[,:] not authorised\.", log)
