"""Drafts of what a form asks about limitations and quality, from coverage, shares, quarantine, factors and uncertainty.

A person finishes them: each is marked as drafted.
"""

from collections.abc import Iterator

from reports.facts import Facts, PeriodFacts
from reports.paper import Cell, Paragraph, Tone, label
from reports.parts import SHARES, coverage, share, tonnes

POOR = 0.95  # coverage below which a source is named
MOST = 20  # sources that are named


def data_system(facts: Facts) -> Iterator[Paragraph]:
    """Yield how the data is gathered, and what limits it."""
    metered = label("draft.system", sources=str(len(facts.sources)))
    yield _drafted(metered)
    for period in facts.periods:
        yield from _entered(period)
        yield _drafted(label("draft.coverage", period=period.period, coverage=coverage(period.total)))
        yield from _poor(period)
        if period.refused:
            yield _drafted(label("draft.refused", period=period.period, count=str(period.refused)))
        if period.total.known_from:
            yield _drafted(label("draft.known_from", period=period.period, time=period.total.known_from))
    yield from _despite(facts)


def quality(facts: Facts) -> Iterator[Paragraph]:
    """Yield how reliable, complete and certain the results are."""
    for period in facts.periods:
        total = period.total
        shares = {name: share(total.shares.get(name), total, f"shares.{name}") for name in SHARES}
        yield _drafted(label("draft.shares", period=period.period, **shares))
        if total.uncertainty is None:
            yield _drafted(label("draft.no_uncertainty", period=period.period))
        else:
            yield _drafted(
                label(
                    "draft.uncertainty",
                    period=period.period,
                    share=share(total.uncertainty, total, "uncertainty.share"),
                    covered=share(total.uncertain_share, total, "uncertainty.covered_share"),
                )
            )
        if total.provisional_t:
            yield _drafted(
                label("draft.provisional", period=period.period, tonnes=tonnes(total, "provisional_t"))
            )
    yield _drafted(label("draft.traceable"))


def methods(facts: Facts) -> Iterator[Paragraph]:
    """Yield the method of each kind of source with its reference, and the factors."""
    seen = {one.total.method: one for period in facts.periods for one in period.sources}
    for name, one in sorted(seen.items()):
        yield Paragraph(
            label(
                "method.line",
                method=name,
                title=label("method", name=name, title=one.method_title),
                reference=one.reference,
            )
        )
    rows = {row.row: row for period in facts.periods for one in period.sources for row in one.total.factors}
    for _, row in sorted(rows.items()):
        values = "; ".join(f"{name} {value:g} {unit}" for name, (value, unit) in row.values.items())
        yield Paragraph(
            label(
                "factor.line",
                row=row.row,
                values=values,
                status=label(f"factor.{row.status}"),
                source=row.source,
            )
        )
    gases = "; ".join(f"{gas} = {facts.gwp_values[gas]:g}" for gas in ("CO2", "CH4", "N2O"))
    yield Paragraph(label("gwp.line", gwp=facts.gwp, values=gases))


def _entered(period: PeriodFacts) -> Iterator[Paragraph]:
    """Yield how much people entered, and how much the meters tell; nothing where nobody enters anything."""
    total = period.total
    if total.entered_share is None:
        return
    metered = (1.0 - total.entered_share) * 100
    yield _drafted(
        label(
            "draft.entered",
            period=period.period,
            tonnes=tonnes(total, "entered_t"),
            entered=share(total.entered_share, total, "records.entered_share"),
            metered=total.made(metered, "%", 1, "1 less records.entered_share"),
        )
    )
    if total.self_approved_share:
        alone = share(total.self_approved_share, total, "records.self_approved_share")
        yield _drafted(label("draft.self_approved", period=period.period, share=alone))


def _poor(period: PeriodFacts) -> Iterator[Paragraph]:
    poor = [one for one in period.sources if one.total.coverage is not None and one.total.coverage < POOR]
    for one in sorted(poor, key=lambda one: (one.total.coverage or 0.0, one.name))[:MOST]:
        yield _drafted(
            label("draft.poor", period=period.period, source=one.name, coverage=coverage(one.total))
        )
    unknown = [one.name for one in period.sources if one.total.co2e_t is None]
    if unknown:
        yield _drafted(label("draft.unknown", period=period.period, sources=", ".join(unknown)))


def _despite(facts: Facts) -> Iterator[Paragraph]:
    for period in facts.periods:
        for month in period.months:
            if month.despite:
                yield _drafted(
                    label("draft.despite", month=month.month, by=month.closed_by, reason=month.despite)
                )


def _drafted(text: Cell) -> Paragraph:
    return Paragraph(text, Tone.DRAFTED)
