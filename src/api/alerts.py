"""Alerts as the API tells them."""

from api.models import AlertBody, AlertsBody, AlertStatus, number
from api.times import format_time
from store.reader import Snapshot
from store.rows import Alert

_MOST = 1000


def alerts_body(state: Snapshot, status: AlertStatus | None) -> AlertsBody:
    """Return alerts of a status or of any: firing ones first, then the newest, at most 1000."""
    return AlertsBody(alerts=[_body(alert) for alert in state.alerts(status, _MOST)])


def _body(alert: Alert) -> AlertBody:
    return AlertBody(
        id=alert.id,
        rule=alert.rule,
        status=alert.status,
        severity=alert.severity,
        started_at=format_time(alert.started_at),
        ended_at=None if alert.ended_at is None else format_time(alert.ended_at),
        value=None if alert.value is None else number(alert.value),
        limit=number(alert.limit),
        unit=alert.unit,
        labels=dict(alert.labels),
    )
