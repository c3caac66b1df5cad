"""Tells an alert in a chat or by mail, through Apprise, which knows some 130 services. It is an extra: `stackmeter[chat]`."""

import json
import logging
from importlib import import_module
from typing import Any

from notify.addresses import Doors, Egress
from notify.chat_message import NOWHERE, Audience, message
from notify.guard import AddressGuard
from notify.webhook import TOTAL_TIMEOUT, Attempt, EndpointError
from plant.park import Webhook
from plant.places import Places

_UNSEEN = frozenset({"xmpp", "xmpps"})  # connect in threads that a guard cannot follow into


class ChatClient:
    """Sends to one service of Apprise, wherever a webhook may go.

    Parameters
    ----------
    endpoint
        Whom to tell, in which language, and by which clock.
    own
        Doors of ours that are no receiver.
    places
        What people call the places, and what their clocks say.
    total_timeout
        For a whole attempt. [s]

    Raises
    ------
    EndpointError
        Apprise is not installed, does not know the URL, or would connect where nobody can check it.
    """

    def __init__(
        self,
        endpoint: Webhook,
        *,
        own: Doors = (),
        places: Places = NOWHERE,
        total_timeout: float = TOTAL_TIMEOUT,
    ) -> None:
        self.name = endpoint.name
        self._audience = Audience(endpoint.language, endpoint.zone, places)
        self._egress = Egress(endpoint.allow_private, own)
        self._total_timeout = total_timeout
        self._apprise = _apprise(endpoint.name)
        # Its own lines quote what services answer, and may quote the URL.
        logging.getLogger("apprise").setLevel(logging.CRITICAL)
        self._service = self._apprise.Apprise()
        if endpoint.secret.partition("://")[0].lower() in _UNSEEN:
            raise EndpointError(f"webhook {endpoint.name}: the connections of XMPP cannot be checked")
        if not self._service.add(endpoint.secret):
            raise EndpointError(f"webhook {endpoint.name}: Apprise cannot use its url")

    def post(self, _event_id: str, body: bytes, now: int) -> Attempt:
        """Tell the alert that a body of format `alert` is of; chat services know no ids, so a repetition is seen twice."""
        told = json.loads(body)
        title, text = message(told, self._audience, now)
        kind = self._apprise.NotifyType
        with AddressGuard(self._egress, self._total_timeout) as guard:
            sent = self._service.notify(
                title=title,
                body=text,
                body_format=self._apprise.NotifyFormat.TEXT,
                notify_type=kind.SUCCESS if told["data"]["ended_at"] else kind.WARNING,
            )
        # What was cut may look like an answer that is whole.
        return Attempt() if sent and not guard.passed else Attempt(error=_reason(guard))

    def close(self) -> None:
        """Close nothing: Apprise keeps no connection."""


def _reason(guard: AddressGuard) -> str:
    if guard.passed:
        return "no complete answer in time (Apprise)"
    return f"AddressRefused: {guard.refused}" if guard.refused else "Apprise could not deliver it"


def _apprise(name: str) -> Any:
    try:
        return import_module("apprise")
    except ImportError as error:
        raise EndpointError(
            f"webhook {name}: kind apprise needs an extra: pip install 'stackmeter[chat]'"
        ) from error
