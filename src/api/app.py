"""The HTTP API: every route, in one place, over a reader of the state and the plant."""

from collections.abc import Callable, Collection
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, FastAPI, Query, Request, Response
from starlette.middleware import Middleware

from alerts.tables.actions import AlertAction
from alerts.tables.links import link_key
from api import operations
from api.access import audit
from api.access.bodies import LONGEST
from api.access.caller import Asking
from api.access.guard import GUARDED, RATE, Access, Guard
from api.access.host_check import HostCheck, KnownHosts
from api.access.scope import only, select_channel, select_sources
from api.accounting import advice, exchanges, factors, indicators, ledger, limits, periods, tariff
from api.accounting.balance import balances_body
from api.accounting.explain import explain_router
from api.accounting.regulated import RegulatedBody, regulated_body
from api.alerts import acknowledge, alert_rules, alertmanager, alerts, retroactive, webhooks
from api.answers import series_answer, totals_answer
from api.city import members as city
from api.description import Described
from api.field import (
    backfills,
    channels,
    feeds,
    gateways,
    inbox,
    inventory,
    quality,
    quarantine,
    rebirth,
    strays,
)
from api.field.rebirth import EdgeNodes
from api.health import Health
from api.live import page
from api.live import stream as live
from api.market import market
from api.metrics import Metrics
from api.models import (
    Agg,
    BalancesBody,
    By,
    EmissionField,
    Every,
    Kind,
    Level,
    SeriesBody,
    SeriesBy,
    TotalsBody,
)
from api.parameters import From, To, When, Word, time_of
from api.problems import InvalidQuery, documented, handle_problems
from api.records import evidence, records
from api.reports import forms, issued, month_end
from api.reports.forms import NOTHING_GIVEN
from api.response_cache import ResponseCache
from api.tables import ARROW, CSV, XLSX, documented_as
from api.totals import boundary, bridge, measures, roadmap
from api.totals import totals as tonnes
from api.totals.extras import extras_of
from api.totals.series import activity_series, emission_series, reading_series, steps
from plant.configuration.about import About
from plant.park import Plant, Virtual
from rules.catalogue import Register
from store.accounting.closing import Decision
from store.folder import evidence_folder, feeds_file
from store.kept_files import KeptFiles
from store.messages.backfills import BackfillDecision
from store.messages.replays import Replay
from store.reader import Reader
from store.records.decisions import PaperDecision
from store.reports import ReportDecision

Clock = Callable[[], int]  # ns UTC
Decide = Callable[
    [Decision | AlertAction | Replay | BackfillDecision | PaperDecision | ReportDecision],
    None,
]


With = Annotated[
    str | None,
    Query(
        alias="with",
        max_length=64,
        description="what else to tell, separated by commas: scope2, uncertainty, factors, budget, previous, records, parks",
        examples=["scope2,uncertainty,factors"],
    ),
]


# What every dashboard asks again and again.
_CACHED = {"/v1/totals", "/v1/alerts", "/v1/gateways", "/v1/measures"}


def create_app(
    reader: Reader,
    plant: Plant,
    token: str,
    *,
    health: Callable[[], Health],
    metrics: Metrics,
    clock: Clock,
    decide: Decide,
    catalogue: Register | None = None,
    outbox: webhooks.OpenOutbox | None = None,
    public_url: str = "",
    access: Access | None = None,
    allowed_hosts: Collection[str] = (),
    rate_limit: int = RATE,
    stream_failed: live.Failed = live.log_failure,
    edge_nodes: EdgeNodes | None = None,
    given: About = NOTHING_GIVEN,
    kept: KeptFiles | None = None,
    members: city.Standings = tuple,
    heard: strays.Strays = lambda: None,
) -> FastAPI:
    """Return the API.

    Parameters
    ----------
    reader, plant
        Of the state that the answers come from, and the plant that it was made for.
    token
        Whoever bears it may ask everything, as an administrator.
    health, metrics, clock
        Asked at each request: what the service says of itself, its counters, and the time [ns UTC].
    decide
        Hands what somebody decides of a reporting period or of quarantine, or does with an alert, to the line.
    catalogue
        The methods and factors that the plant was loaded with; without it a question with `with` is refused, and only
        totals are explained, by their parts.
    outbox
        Opens the outbox of webhooks; without it there are no routes about them.
    public_url
        Where the readers of our answers find the API, without a slash at the end; "" gives no link.
    access
        What lets callers in beside the token, and the audit log; without it the token alone does, and nothing is recorded.
    allowed_hosts
        Host names of ours beside `public_url`, see `api.access.host_check.KnownHosts`.
    rate_limit
        How many requests a second one key, and one address, may make.
    stream_failed
        Told why live streams end; their clients come again.
    edge_nodes
        Knows Sparkplug edge nodes and asks them for births; without it no gateway has any.
    given
        What people gave for papers.
    kept
        Where the bytes of reports are kept; without it nothing is issued.
    members
        What is known of the parks of the city.
    heard
        The gateways at the broker that no shard has.
    """
    access = access or Access()
    app = Described(
        title="Stackmeter",
        summary="Tonnes of CO2e of industrial parks, as they happen, and how far they are known",
        version="1",
        docs_url=None,
        redoc_url=None,
        middleware=[
            Middleware(HostCheck, hosts=KnownHosts(allowed_hosts, public_url)),
            Middleware(Guard, token=token, access=access, clock=clock, rate=rate_limit),
            Middleware(ResponseCache, paths=_CACHED, version=reader.version, clock=clock),
        ],
        generate_unique_id_function=lambda route: route.name,
        max_body_size=LONGEST,
        redirect_slashes=False,
        # Nobody listens to traces.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    handle_problems(app)
    app.include_router(operations.routes(health, metrics))
    app.include_router(_totals(reader, plant, clock, catalogue))
    app.include_router(_series(reader, plant, clock))
    for places in (boundary, channels, quality, limits, indicators, exchanges):
        app.include_router(places.routes(reader, plant, clock))
    app.include_router(_events(reader))
    app.include_router(explain_router(reader, plant, clock, catalogue))
    app.include_router(periods.routes(reader, plant, decide, clock, catalogue))
    for books in (retroactive, ledger):
        app.include_router(books.routes(reader))
    app.include_router(alerts.routes(reader, plant, decide, clock))
    app.include_router(alert_rules.routes(plant))
    app.include_router(acknowledge.routes(reader, plant, link_key(token), decide, clock))
    app.include_router(alertmanager.routes(reader, plant, clock, public_url))
    app.include_router(page.routes(parts := page.assets()))
    app.include_router(
        live.routes(app, reader, plant, health, clock, page.version(parts), token, stream_failed, edge_nodes)
    )
    for named in (inventory, inbox):
        app.include_router(named.routes(reader, plant))
    app.include_router(gateways.routes(reader, plant, clock, edge_nodes))
    app.include_router(rebirth.routes(reader, plant, edge_nodes))
    for decided in (quarantine, backfills):
        app.include_router(decided.routes(reader, decide))
    files = KeptFiles(evidence_folder(reader.folder))
    app.include_router(evidence.routes(reader, files, decide))
    app.include_router(records.routes(reader, plant, files, decide, clock, catalogue))
    app.include_router(city.routes(members, clock))
    app.include_router(strays.routes(heard, clock))
    app.include_router(market.routes(reader, plant, files, decide, clock, catalogue))
    app.include_router(feeds.routes(plant, feeds_file(reader.folder), clock))
    app.include_router(roadmap.routes(reader, plant, clock))
    app.include_router(measures.routes(reader, plant, clock, catalogue))
    app.include_router(bridge.routes(reader, plant, clock))
    app.include_router(forms.routes(reader, clock, catalogue, given))
    app.include_router(month_end.routes(reader, plant, clock, catalogue))
    app.include_router(issued.routes(reader, plant, decide, clock, catalogue, given, kept))
    if catalogue is not None:
        app.include_router(factors.routes(plant, catalogue))
        app.include_router(tariff.routes(reader, plant, catalogue, clock))
        app.include_router(advice.routes(reader, plant, catalogue, clock))
    if outbox is not None:
        app.include_router(webhooks.routes(plant, outbox, clock))
    if access.log is not None:
        app.include_router(audit.routes(access.log))
    return app


def _emission_router() -> APIRouter:
    return APIRouter(
        prefix="/v1", tags=["emissions"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )


def _totals(reader: Reader, plant: Plant, clock: Clock, catalogue: Register | None) -> APIRouter:
    """Return the tonnes of periods, live and under a regulation."""
    router = _emission_router()

    # What is only told where it is asked for is not there elsewhere, rather than null.
    @router.get(
        "/totals",
        response_model=TotalsBody,
        response_model_exclude_unset=True,
        responses={**documented_as(CSV, XLSX), 304: {"description": "not changed but for as_of"}},
    )
    def totals(
        request: Request,
        caller: Asking,
        level: Level = "facility",
        by: By = "none",
        park: Word = None,
        facility: Word = None,
        source: Word = None,
        period: When = None,
        start: From = None,
        end: To = None,
        extras: With = None,
    ) -> Response:
        """Return tonnes of a period (default: today on each park's clock), with coverage and how far it is known.

        As CSV or a workbook where `Accept` says so. With `If-None-Match`, 304 where nothing has changed.
        """
        as_of = clock()
        query = tonnes.Query(level, by, park, facility, source, extras_of(extras), caller=caller)
        chosen = tonnes.chosen_period(plant, period, time_of("from", start), time_of("to", end), as_of)
        with reader.snapshot() as state:
            found = tonnes.totals(state, query, chosen, as_of, catalogue)
        return totals_answer(request.headers, found)

    @router.get("/regulated")
    def regulated(
        caller: Asking,
        park: Word = None,
        facility: Word = None,
        source: Word = None,
        period: When = None,
        hours: Annotated[bool, Query(description="also each hour, at most a year's")] = False,
    ) -> RegulatedBody:
        """Return the hours that count under a regulation (default: of today), beside the live number of the same hours."""
        as_of = clock()
        chosen = tonnes.chosen_period(plant, period, None, None, as_of)
        with reader.snapshot() as state:
            return regulated_body(state, caller, (park, facility, source), chosen, as_of, hours=hours)

    return router


def _series(reader: Reader, plant: Plant, clock: Clock) -> APIRouter:
    """Return what goes step by step."""
    router = _emission_router()

    @router.get(
        "/series",
        response_model=SeriesBody,
        response_model_exclude_unset=True,
        responses=documented_as(CSV, ARROW, XLSX),
    )
    def series(
        request: Request,
        caller: Asking,
        kind: Kind,
        start: Annotated[str, Query(alias="from", max_length=64, examples=["2026-11-24T00:00:00+07:00"])],
        end: Annotated[str, Query(alias="to", max_length=64, examples=["2026-11-25T00:00:00+07:00"])],
        every: Every = "1h",
        park: Word = None,
        facility: Word = None,
        source: Word = None,
        channel: Word = None,
        field: EmissionField | None = None,
        agg: Agg | None = None,
        by: SeriesBy | None = None,
    ) -> Response:
        """Return readings or activity of a channel, activity of a source, or emissions of sources, step by step.

        A series is of whole steps on the park's clock; a gap is null. `by` parts emissions. `agg` is what a step of readings
        is told as: by default the mean of a rate or level, the last of a register, the sum of amounts. Also as CSV, Arrow, XLSX.
        """
        _refuse(kind, agg=None if kind == "reading" else agg, by=None if kind == "emission" else by)
        span = time_of("from", start), time_of("to", end)
        of_source = kind == "activity" and source is not None
        if kind == "emission" or of_source:
            _refuse(kind, channel=channel, field=field if of_source else None)
            wanted = "activity" if of_source else field or "co2e_t"
            sources = select_sources(plant, caller, park, facility, source)
            chosen = steps(*span, every, _zone(plant, {one.park for one in sources}))
            with reader.snapshot() as state:
                summed = emission_series(state, sources, wanted, chosen, clock(), by)
            return series_answer(request.headers, summed.model_copy(update=only(caller)))
        _refuse(kind, source=source, field=field)
        if channel is None:
            raise InvalidQuery(("channel", f"a series of kind {kind} is of a channel"))
        found = select_channel(plant, caller, park, facility, channel)
        chosen = steps(*span, every, _zone(plant, {found.park}))
        if kind == "reading" and isinstance(found, Virtual):
            raise InvalidQuery(
                ("kind", f"{found.name} is a virtual channel, without readings: ask for its activity")
            )
        with reader.snapshot() as state:
            if isinstance(found, Virtual) or kind == "activity":
                body = activity_series(state, found, chosen)
            else:
                body = reading_series(state, found, chosen, agg)
        return series_answer(request.headers, body)

    return router


def _events(reader: Reader) -> APIRouter:
    """Return what came in."""
    router = APIRouter(
        prefix="/v1", tags=["events"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )

    @router.get("/balance")
    def balance(caller: Asking, gateway: Word = None, start: From = None, end: To = None) -> BalancesBody:
        """Return how messages and readings ended, over whole minutes (default: all that ever came)."""
        with reader.snapshot() as state:
            return balances_body(state, caller, gateway, time_of("from", start), time_of("to", end))

    return router


def _zone(plant: Plant, parks: set[str]) -> ZoneInfo:
    zones = {park.zone for park in plant.parks if park.name in parks}
    if len(zones) != 1:
        raise InvalidQuery(("park", "the steps are of one clock: name a park"))
    return zones.pop()


def _refuse(kind: Kind, **given: str | None) -> None:
    wrong = [name for name, value in given.items() if value is not None]
    if wrong:
        raise InvalidQuery(*((name, f"a series of kind {kind} has no {name}") for name in wrong))
