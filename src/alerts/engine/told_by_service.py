"""What the service tells on-call without a rule of the configuration: journalled like an alert that another program tells, in the library's words."""

from collections.abc import Mapping
from typing import Literal

from alerts.engine.raised import in_each
from alerts.tables.actions import AlertAction, OutsideAlert
from alerts.tables.notices import digest
from plant.alert_rules.alert_parts import bilingual
from plant.alert_rules.rule_library import told_rules
from plant.documents.placeholders import TEXTS
from plant.languages import Language

SERVICE = "stackmeter"  # who tells it

Words = Mapping[Language, Mapping[str, str]]


def told_by_service(
    rule: Literal["feed-behind", "position-short"],
    severity: str,
    labels: Mapping[str, str],
    words: Words,
    *,
    of: str,
    since: int,
    until: int = 0,
) -> AlertAction:
    """Return that something is told, or with `until` is over [both ns UTC].

    Parameters
    ----------
    words
        What stands in braces in the library's texts, by language; what is not given stays as it is.
    of
        What names what it is told of, apart from all else of the rule: the same is told once.
    """
    written = told_rules()[rule]
    texts = {name: in_each(bilingual(getattr(written, name)), words) for name in TEXTS}
    told = OutsideAlert(
        rule=rule,
        severity=severity,
        labels=dict(labels),
        summary=texts["summary"]["en"],
        description=texts["description"]["en"],
        runbook="",
        started_at=since,
        ended_at=until,
        texts=texts,
    )
    return AlertAction(digest(rule, of, since, until), SERVICE, "tell", told=(told,))
