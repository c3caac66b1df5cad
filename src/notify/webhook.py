"""Sends one event to one endpoint, once: signed as Standard Webhooks, to a checked address, within a fixed time.

The transport is used without a client around it: so there are no redirects, cookies, proxies of the environment or
log lines with the address, because nothing here knows them.

References
----------
.. [1] Standard Webhooks specification, https://github.com/standard-webhooks/standard-webhooks
"""

import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import httpx
import standardwebhooks

from notify.addresses import AddressRefused, Doors, Egress, Resolve, is_one_of, resolve
from notify.deadline import Deadline
from notify.schedule import retry_after
from plant.park import Webhook
from plant.vocabulary import NS_PER_S

TOTAL_TIMEOUT = 15.0  # s for a whole attempt but the look-up of the name
CONNECT_TIMEOUT = 5.0  # s for each address
LONGEST_ANSWER = 64 * 1024  # bytes of an answer's body
LONGEST_URL = 2048
ALERTMANAGER_PATH = b"/api/v2/alerts"

_SECRET_PREFIX = "whsec_"  # noqa: S105  the public part that all secrets begin with
_SECRET_SIZES = range(24, 65)  # bytes [1]_
_PORTS = frozenset({None, *range(1, 65_536)})
_THROTTLED = frozenset({429, 503})


class EndpointError(ValueError):
    """An endpoint's address or secret cannot be used; the message shows neither."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one attempt. `retry_after` is what a throttling answer asked for [ns]."""

    status: int = 0  # 0: no answer
    error: str = ""  # "": delivered
    retry_after: int | None = None

    @property
    def delivered(self) -> bool:
        """True where the endpoint took the event."""
        return not self.error

    @property
    def gone(self) -> bool:
        """True where the endpoint wants no more events."""
        return self.status == httpx.codes.GONE


class EndpointClient(Protocol):
    """Sends to one endpoint, whatever it speaks."""

    name: str

    def post(self, event_id: str, body: bytes, now: int) -> Attempt: ...
    def close(self) -> None: ...


class WebhookClient:
    """Sends to one endpoint over HTTP: signed webhooks, or alerts to the API of an Alertmanager, which are not signed.

    While an endpoint has two secrets a webhook has two signatures, and its receiver may know either.

    Parameters
    ----------
    endpoint
        Whom to send to.
    verify
        Whose certificates to trust; by default those that httpx brings.
    find
        Gives a host's addresses.
    total_timeout
        For a whole attempt. [s]
    own
        Doors of ours that are no receiver: the API, the broker, InfluxDB.

    Raises
    ------
    EndpointError
        The URL or a secret cannot be used.
    """

    def __init__(
        self,
        endpoint: Webhook,
        *,
        verify: ssl.SSLContext | None = None,
        find: Resolve = resolve,
        total_timeout: float = TOTAL_TIMEOUT,
        own: Doors = (),
    ) -> None:
        self.name = endpoint.name
        self._egress = Egress(endpoint.allow_private, own)
        self._url = _checked_url(endpoint)
        if is_one_of(own, self._url.host, self._port):
            raise EndpointError(f"webhook {endpoint.name}: its url is a door of this service's own")
        self._path = self._url.raw_path
        self._signers = [standardwebhooks.Webhook(secret) for secret in _checked_secrets(endpoint)]
        if endpoint.kind == "alertmanager-api":
            self._path = self._url.raw_path.rstrip(b"/") + ALERTMANAGER_PATH
        self._find = find
        self._total_timeout = total_timeout
        self._transport = httpx.HTTPTransport(
            verify=verify or True, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )

    def post(self, event_id: str, body: bytes, now: int) -> Attempt:
        """Send an event and return what came of it; `now` [ns UTC] becomes the signed time of the attempt.

        2xx is a delivery, whatever the body says, if the body ends within size and time.
        """
        try:
            addresses = self._addresses()
        except AddressRefused as error:
            return Attempt(error=f"AddressRefused: {error}")
        headers = self._headers(event_id, body, now)
        with Deadline(self._total_timeout) as deadline:
            try:
                return self._post_to(addresses, headers, body, deadline, now)
            except httpx.TransportError as error:
                return Attempt(error=_reason(error, deadline))

    def close(self) -> None:
        """Close what is open."""
        self._transport.close()

    def _addresses(self) -> list[str]:
        return self._egress.check(self._find(self._url.host, self._port), self._port)

    @property
    def _port(self) -> int:
        return self._url.port or (443 if self._url.scheme == "https" else 80)

    def _headers(self, event_id: str, body: bytes, now: int) -> dict[str, str]:
        headers = {
            "host": self._url.netloc.decode(),
            "content-type": "application/json",
            "user-agent": "stackmeter",
        }
        if self._signers:
            signed_at = datetime.fromtimestamp(now // NS_PER_S, UTC)
            signatures = [signer.sign(event_id, signed_at, body.decode()) for signer in self._signers]
            headers |= {
                "webhook-id": event_id,
                "webhook-timestamp": str(now // NS_PER_S),
                "webhook-signature": " ".join(signatures),
            }
        if self._url.userinfo:
            pair = f"{self._url.username}:{self._url.password}".encode()
            headers["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        return headers

    def _post_to(
        self, addresses: list[str], headers: Mapping[str, str], body: bytes, deadline: Deadline, now: int
    ) -> Attempt:
        """Send to the first address that can be connected to."""
        *others, last = addresses
        for address in others:
            try:
                return self._exchange(address, headers, body, deadline, now)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if deadline.passed:
                    raise
        return self._exchange(last, headers, body, deadline, now)

    def _exchange(
        self, address: str, headers: Mapping[str, str], body: bytes, deadline: Deadline, now: int
    ) -> Attempt:
        url = httpx.URL(scheme=self._url.scheme, host=address, port=self._port, raw_path=self._path)
        timeout = httpx.Timeout(self._total_timeout, connect=min(CONNECT_TIMEOUT, self._total_timeout))
        extensions = {"timeout": timeout.as_dict(), "sni_hostname": self._url.host, "trace": deadline.trace}
        request = httpx.Request("POST", url, headers=headers, content=body, extensions=extensions)
        response = self._transport.handle_request(request)
        try:
            _read_to_end(response, deadline)
        finally:
            response.close()
        return _attempt(response, now)


def _read_to_end(response: httpx.Response, deadline: Deadline) -> None:
    """Read the answer's body away, undecoded; raise httpx.ReadError where it has no end within size and time."""
    size = 0
    try:
        for chunk in response.iter_raw():
            size += len(chunk)
            if size > LONGEST_ANSWER:
                raise _AnswerTooLongError(f"an answer of more than {LONGEST_ANSWER} bytes")
    except httpx.ReadError:
        # Who answers without reading what we sent may reset the connection after the answer's head, which counts.
        if deadline.passed:
            raise
    if deadline.passed:
        raise httpx.ReadTimeout("cut at the deadline")


class _AnswerTooLongError(httpx.TransportError):
    """The answer goes on and on."""


def _attempt(response: httpx.Response, now: int) -> Attempt:
    if response.is_success:
        return Attempt(response.status_code)
    asked = (
        retry_after(response.headers.get("retry-after"), now) if response.status_code in _THROTTLED else None
    )
    return Attempt(response.status_code, f"HTTP {response.status_code}", asked)


def _reason(error: httpx.TransportError, deadline: Deadline) -> str:
    """Say what failed without a word of the peer's: what it sends could quote our own headers."""
    if deadline.passed:
        return f"no complete answer in time ({type(error).__name__})"
    if isinstance(error, httpx.ConnectError | _AnswerTooLongError):
        return f"{type(error).__name__.strip('_')}: {error}"
    return type(error).__name__


def _checked_url(endpoint: Webhook) -> httpx.URL:
    if len(endpoint.url) > LONGEST_URL or not endpoint.url.isascii() or not endpoint.url.isprintable():
        raise EndpointError(
            f"webhook {endpoint.name}: its url must be up to {LONGEST_URL} printable ASCII characters"
        )
    try:
        url = httpx.URL(endpoint.url)
    except httpx.InvalidURL:
        raise EndpointError(f"webhook {endpoint.name}: its url is not one") from None
    if url.scheme not in ({"https", "http"} if endpoint.allow_private else {"https"}):
        raise EndpointError(
            f"webhook {endpoint.name}: its url must be https, or http where private addresses are allowed"
        )
    if not url.host or url.host.endswith(".") or url.port not in _PORTS:
        raise EndpointError(
            f"webhook {endpoint.name}: its url needs a host, without a dot at the end, and a real port"
        )
    return url


def _checked_secrets(endpoint: Webhook) -> list[str]:
    """Return the secrets that sign, the present one first; an Alertmanager knows none."""
    if endpoint.kind == "alertmanager-api":
        return []
    previous = [endpoint.previous_secret] if endpoint.previous_secret else []
    if not all(map(_is_secret, [endpoint.secret, *previous])):
        raise EndpointError(
            f"webhook {endpoint.name}: its secret must be whsec_ and the base64 of 24 to 64 bytes"
        )
    return [endpoint.secret, *previous]


def _is_secret(secret: str) -> bool:
    prefix, key = secret[: len(_SECRET_PREFIX)], secret[len(_SECRET_PREFIX) :]
    try:
        size = len(base64.b64decode(key, validate=True))
    except ValueError:  # binascii.Error, or characters beyond ASCII
        size = 0
    return prefix == _SECRET_PREFIX and size in _SECRET_SIZES
