"""The bodies of webhooks: one alert in the shape that an endpoint takes, as bytes that are the same whenever they are made."""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

_NEVER = "0001-01-01T00:00:00Z"  # how Alertmanager writes that an alert has not ended
_NO_LABEL = re.compile(r"[^A-Za-z0-9_]")


def body(form: str, alert: Mapping[str, Any], receiver: str, external_url: str) -> bytes:
    """Return the body that tells of an alert as it stands.

    Parameters
    ----------
    form
        `alert` (our own), `alertmanager` (Alertmanager's webhook, version 4), or `alertmanager-api` (what its
        `POST /api/v2/alerts` takes).
    alert
        With id, rule, status (firing or resolved), severity, started_at and ended_at (RFC 3339, the latter None while it
        fires), value, comparison and limit (None where unknown) in unit, labels, summary, description, `texts`;
        `links` where there are some.
    receiver
        The endpoint's name.
    external_url
        Where the reader finds our API, without a slash at the end; "" gives no link.
    """
    made = {"alert": _own, "alertmanager": _alertmanager_webhook, "alertmanager-api": _alertmanager_api}
    shaped = made[form](alert, receiver, external_url)
    return json.dumps(shaped, allow_nan=False, separators=(",", ":")).encode()


def _own(alert: Mapping[str, Any], _receiver: str, external_url: str) -> dict[str, Any]:
    links = {"alerts": _link(external_url)} if external_url else {}
    return {
        "type": f"alert.{alert['status']}",
        "timestamp": alert["ended_at"] or alert["started_at"],
        "data": {**alert, "links": {**alert.get("links", {}), **links}},
    }


def _alertmanager_webhook(alert: Mapping[str, Any], receiver: str, external_url: str) -> dict[str, Any]:
    """Return a group of one alert: our alerts are each told on their own."""
    labels, annotations = _labels(alert), _annotations(alert)
    one = {
        "status": alert["status"],
        "labels": labels,
        "annotations": annotations,
        "startsAt": alert["started_at"],
        "endsAt": alert["ended_at"] or _NEVER,
        "generatorURL": _link(external_url),
        "fingerprint": sha256(json.dumps(labels).encode()).hexdigest()[:16],
    }
    return {
        "version": "4",
        "groupKey": "{}:{" + ", ".join(f"{name}={json.dumps(text)}" for name, text in labels.items()) + "}",
        "truncatedAlerts": 0,
        "status": alert["status"],
        "receiver": receiver,
        "groupLabels": labels,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": external_url,
        "alerts": [one],
    }


def _alertmanager_api(alert: Mapping[str, Any], _receiver: str, external_url: str) -> list[dict[str, Any]]:
    """Return what Alertmanager is posted. Without an end it takes the alert for over after its `resolve_timeout`."""
    one = {
        "labels": _labels(alert),
        "annotations": _annotations(alert),
        "startsAt": alert["started_at"],
        "endsAt": alert["ended_at"],
        "generatorURL": _link(external_url),
    }
    return [{name: given for name, given in one.items() if given}]


def _labels(alert: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels by name, so that a firing and its end, or the rule's next firing, are one alert to Alertmanager."""
    labels = {_NO_LABEL.sub("_", name): text for name, text in alert["labels"].items() if text}
    return dict(sorted({**labels, "alertname": alert["rule"], "severity": alert["severity"]}.items()))


def _annotations(alert: Mapping[str, Any]) -> dict[str, str]:
    numbers = {name: alert[name] for name in ("value", "limit") if alert[name] is not None}
    texts = {name: f"{number:.6g} {alert['unit']}".strip() for name, number in numbers.items()}
    passed = alert.get("texts", {}).get("passed")
    return {
        "alert": alert["id"],
        **{name: alert[name] for name in ("description", "summary") if alert[name]},
        **texts,
        **({"passed": passed["en"]} if passed else {}),
        **alert.get("links", {}),
    }


def _link(external_url: str) -> str:
    return f"{external_url}/v1/alerts" if external_url else ""
