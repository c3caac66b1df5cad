"""A client of our own API, for the commands that show what a running service knows."""

from collections.abc import Mapping
from urllib.parse import quote

from pydantic import BaseModel

from api.accounting.exchanges import ExchangesBody
from api.accounting.explain import ExplainBody
from api.accounting.indicators import IndicatorsBody
from api.accounting.limits import LimitsBody
from api.accounting.periods import DecidedBody, DecisionBody, PeriodsBody
from api.alerts.alert_bodies import (
    ActedBody,
    ActionBody,
    NewSilenceBody,
    OneAlertBody,
    SilencedBody,
    SilencesBody,
)
from api.alerts.retroactive import RetroactivesBody
from api.alerts.webhooks import DeadListBody, DeliveriesBody, DroppedBody, ReplayedBody, WebhooksBody
from api.field.backfills import BackfillDecidedBody, BackfillWantedBody
from api.field.channels import ChannelsBody
from api.field.feeds import FeedFilesBody, FeedsBody, ResentBody
from api.field.gateways import GatewaysBody
from api.field.inbox import InboxBody, UnknownDeviceBody
from api.field.inventory import FacilitiesBody
from api.field.quarantine import (
    CauseBody,
    KeptBody,
    KeptMessagesBody,
    QuarantineBody,
    ReplayedMessagesBody,
    ReplayWantedBody,
)
from api.field.rebirth import RebirthBody
from api.models import AlertBody, AlertsBody, BalancesBody, By, Level, ReadyBody, TotalBody, TotalsBody
from api.records.bodies import ActBody, EnterBody, ImportedBody, RecordBody, RecordDecidedBody, RecordsBody
from api.records.evidence import EvidenceBody
from stackmeter.client.answers import QuestionRefused, ServiceAsked, given
from stackmeter.standby.worker_body import WorkerBody

MOST_ALERTS = 1000  # open ones, and as many that are over
LEVELS: tuple[Level, ...] = ("all", "park", "facility")


class Overview(BaseModel):
    """What a service knows, asked at about one moment.

    `today` holds the total of everything (`park` is null), of each park (`facility` is null) and of each facility,
    `month` of each facility, on the parks' own clocks. A busy service moves on between the questions, so that a sum may
    be a moment younger than its parts.
    """

    url: str
    as_of: str
    gwp: str
    ready: ReadyBody
    today: list[TotalBody]
    month: list[TotalBody]
    balance: BalancesBody
    alerts: list[AlertBody]


class Client(ServiceAsked):
    """Asks one service; use it as a context manager.

    Parameters
    ----------
    url
        Where the API is, `http://host:port`.
    token
        What it asks for; "" is none. Without the right one every answer is `TokenRefused`.

    Raises
    ------
    Unreachable, TokenRefused, Unready
        By every method.
    """

    def ready(self) -> ReadyBody:
        """Return whether the service is ready, and why not."""
        return self._valid(ReadyBody, self._get("/readyz", may_be=503))

    def worker(self) -> WorkerBody:
        """Return the same of a worker of a shard, which may be its standby."""
        return self._valid(WorkerBody, self._get("/readyz", may_be=503))

    def totals(self, level: Level = "facility", period: str = "today", by: By = "none") -> TotalsBody:
        """Return the totals of a level and a period, such as today, month, 2026-11, and the factors they rest on."""
        query = {"level": level, "period": period, "by": by, "with": "factors"}
        return self._valid(TotalsBody, self._get("/v1/totals", query))

    def balance(self, gateway: str | None = None, since: str | None = None) -> BalancesBody:
        """Return how everything that ever came has ended, or what came of a gateway (park/facility/gateway), or since a time."""
        asked = given(gateway=gateway or None, **{"from": since})
        return self._valid(BalancesBody, self._get("/v1/balance", asked))

    def alerts(self, **asked: str | int | None) -> AlertsBody:
        """Return alerts that are all that is asked for, the newest first; raise `QuestionRefused` for names that are nowhere."""
        return self._valid(AlertsBody, self._chosen("/v1/alerts", **asked))

    def retroactive(self, limit: int) -> RetroactivesBody:
        """Return the breaches that late data showed, the newest first."""
        return self._valid(RetroactivesBody, self._get("/v1/retroactive", {"limit": str(limit)}))

    def alerts_to_show(self) -> list[AlertBody]:
        """Return the open alerts, then those that are over, both the newest first."""
        both = [self.alerts(status=status, limit=MOST_ALERTS) for status in ("open", "resolved")]
        return [one for page in both for one in page.alerts]

    def alert(self, number: str) -> OneAlertBody:
        """Return one alert and what happened to it; raise `QuestionRefused` where there is none of that id."""
        return self._valid(OneAlertBody, self._chosen(f"/v1/alerts/{quote(number, safe='')}"))

    def act(self, number: str, action: ActionBody) -> ActedBody:
        """Do something with an alert; raise `NotTaken` with the reason where the service does not take it."""
        path = f"/v1/alerts/{quote(number, safe='')}/actions"
        return self._valid(ActedBody, self._taken("POST", path, json=action.model_dump(exclude_none=True)))

    def rebirth(self, park: str, facility: str, gateway: str) -> RebirthBody:
        """Ask the edge nodes behind a gateway for a birth; raise `NotTaken` with the reason where none is asked."""
        place = "/".join(quote(one, safe="") for one in (park, facility, gateway))
        return self._valid(RebirthBody, self._taken("POST", f"/v1/gateways/{place}/rebirth"))

    def silences(self, *, ended: bool = False) -> SilencesBody:
        """Return the silences that last, and with `ended` those that are over."""
        return self._valid(SilencesBody, self._chosen("/v1/silences", ended=str(ended).lower()))

    def silence(self, silence: NewSilenceBody) -> SilencedBody:
        """Silence alerts; raise `NotTaken` with the reason where the service does not."""
        return self._valid(SilencedBody, self._taken("POST", "/v1/silences", json=silence.model_dump()))

    def unsilence(self, number: str, by: str) -> SilencedBody:
        """End a silence; raise `NotTaken` with the reason where the service does not."""
        path = f"/v1/silences/{quote(number, safe='')}"
        return self._valid(SilencedBody, self._taken("DELETE", path, params={"by": by}))

    def overview(self) -> Overview:
        """Return everything that a screen shows."""
        ready = self.ready()
        today = [self.totals(level, "today") for level in LEVELS]
        return Overview(
            url=self.url,
            as_of=today[0].as_of,
            gwp=today[0].gwp,
            ready=ready,
            today=[total for body in today for total in body.totals],
            month=self.totals("facility", "month").totals,
            balance=self.balance(),
            alerts=self.alerts_to_show(),
        )

    def facilities(self) -> FacilitiesBody:
        """Return all facilities, every page, and how much is configured of each."""
        pages = self._pages(FacilitiesBody, "/v1/facilities", {})
        return pages[-1].model_copy(update={"facilities": [one for page in pages for one in page.facilities]})

    def metrics(self) -> str:
        """Return the service's counters, in the exposition format."""
        response = self._answer("GET", "/metrics")
        if response.status_code != 200:
            raise self._refusal(response.status_code, "/metrics", self._json(response, "/metrics"))
        return response.text

    def gateways(self, **asked: str | None) -> GatewaysBody:
        """Return the gateways of a park or a facility, every page; raise `QuestionRefused` for names that are nowhere."""
        pages = self._pages(GatewaysBody, "/v1/gateways", asked)
        return pages[-1].model_copy(update={"gateways": [one for page in pages for one in page.gateways]})

    def channels(self, **asked: str | None) -> ChannelsBody:
        """Return the channels of a park, a facility or a gateway, every page; raise `QuestionRefused` for names that are nowhere."""
        pages = self._pages(ChannelsBody, "/v1/channels", asked)
        return pages[-1].model_copy(update={"channels": [one for page in pages for one in page.channels]})

    def limits(self, **asked: str | None) -> LimitsBody:
        """Return the limits of channels and how they are kept; raise `QuestionRefused` for names that are nowhere."""
        return self._valid(LimitsBody, self._chosen("/v1/limits", **asked))

    def indicators(self, **asked: str | None) -> IndicatorsBody:
        """Return what places are told by beside tonnes; raise `QuestionRefused` for names that are nowhere."""
        return self._valid(IndicatorsBody, self._chosen("/v1/indicators", **asked))

    def exchanges(self, **asked: str | None) -> ExchangesBody:
        """Return what facilities give each other; raise `QuestionRefused` for names that are nowhere."""
        return self._valid(ExchangesBody, self._chosen("/v1/exchanges", **asked))

    def periods(self, park: str | None = None, language: str = "en") -> PeriodsBody:
        """Return how the months of a park or of all stand."""
        asked = {"language": language} | ({"park": park} if park else {})
        return self._valid(PeriodsBody, self._get("/v1/periods", asked))

    def decide(self, decision: DecisionBody, language: str = "en") -> DecidedBody:
        """Move a month on; raise `NotTaken` with the reason where the service does not."""
        params = {"language": language}
        return self._valid(
            DecidedBody, self._taken("POST", "/v1/periods", json=decision.model_dump(), params=params)
        )

    def decide_backfill(self, decision: BackfillWantedBody) -> BackfillDecidedBody:
        """Open or close a backfill; raise `NotTaken` with the reason where the service does not."""
        return self._valid(
            BackfillDecidedBody,
            self._taken("POST", "/v1/backfills", json=decision.model_dump(exclude_none=True)),
        )

    def records(self, **asked: str | None) -> list[RecordBody]:
        """Return records, those that were entered last first; raise `QuestionRefused` where the question makes no sense."""
        pages = self._pages(RecordsBody, "/v1/records", asked)
        return [one for page in pages for one in page.records]

    def enter_record(self, said: EnterBody, language: str = "en") -> RecordDecidedBody:
        """Enter a record; raise `NotTaken` with the reason where the service does not take it."""
        body = said.model_dump(by_alias=True, exclude_none=True)
        taken = self._taken("POST", "/v1/records", json=body, params={"language": language})
        return self._valid(RecordDecidedBody, taken)

    def decide_record(self, number: str, said: ActBody, language: str = "en") -> RecordDecidedBody:
        """Decide of a record; raise `NotTaken` with the reason where the service does not."""
        path, body = f"/v1/records/{quote(number, safe='')}", said.model_dump(exclude_none=True)
        taken = self._taken("POST", path, json=body, params={"language": language})
        return self._valid(RecordDecidedBody, taken)

    def hand_in(self, content: bytes, by: str | None) -> EvidenceBody:
        """Hand in a file as evidence; raise `NotTaken` with the reason where the service does not take it."""
        return self._valid(
            EvidenceBody, self._taken("POST", "/v1/evidence", content=content, params=given(by=by))
        )

    def import_records(self, content: bytes, asked: Mapping[str, str | None]) -> ImportedBody:
        """Enter a table of records, or only check it; raise `NotTaken` with the reason where the service does not."""
        path = "/v1/records/import"
        return self._valid(ImportedBody, self._taken("POST", path, content=content, params=given(**asked)))

    def explain(self, **query: str) -> ExplainBody:
        """Return why a number is what it is; raise `QuestionRefused` where the service knows no such source or time."""
        return self._valid(ExplainBody, self._get("/v1/explain", query))

    def webhooks(self) -> WebhooksBody:
        """Return how each endpoint of webhooks stands."""
        return self._valid(WebhooksBody, self._get("/v1/webhooks"))

    def deliveries(
        self, endpoint: str | None, event: str | None, alert: str | None, limit: int
    ) -> DeliveriesBody:
        """Return attempts to deliver, the newest first; raise `QuestionRefused` where there is no such endpoint."""
        return self._valid(
            DeliveriesBody,
            self._chosen("/v1/webhooks/deliveries", endpoint=endpoint, event=event, alert=alert, limit=limit),
        )

    def dead_webhooks(self, endpoint: str | None, limit: int) -> DeadListBody:
        """Return events that were given up, the newest first; raise `QuestionRefused` where there is no such endpoint."""
        return self._valid(DeadListBody, self._chosen("/v1/webhooks/dead", endpoint=endpoint, limit=limit))

    def replay_webhooks(self, chosen: Mapping[str, str | bool]) -> ReplayedBody:
        """Make events due again; raise `NotTaken` with the reason where the service does not."""
        return self._valid(ReplayedBody, self._told_which("/v1/webhooks/replay", chosen))

    def drop_webhooks(self, chosen: Mapping[str, str]) -> DroppedBody:
        """Forget events that were given up; raise `NotTaken` with the reason where the service does not."""
        return self._valid(DroppedBody, self._told_which("/v1/webhooks/drop", chosen))

    def feeds(self) -> FeedsBody:
        """Return how each feed stands."""
        return self._valid(FeedsBody, self._get("/v1/feeds"))

    def feed_files(self, name: str, limit: int) -> FeedFilesBody:
        """Return the newest files of a feed; raise `QuestionRefused` where there is no such feed."""
        return self._valid(
            FeedFilesBody, self._chosen(f"/v1/feeds/{quote(name, safe='')}/files", limit=limit)
        )

    def resend_feed(self, name: str, wanted: Mapping[str, str]) -> ResentBody:
        """Send files of a feed again; raise `NotTaken` with the reason where the service does not."""
        return self._valid(ResentBody, self._told_which(f"/v1/feeds/{quote(name, safe='')}/resend", wanted))

    def causes(self, **asked: str | None) -> list[CauseBody]:
        """Return why messages were refused; raise `QuestionRefused` where the question makes no sense."""
        pages = self._pages(QuarantineBody, "/v1/quarantine", asked)
        return [cause for page in pages for cause in page.causes]

    def refused_message(self, message: int) -> tuple[KeptBody, bytes]:
        """Return a refused message and what is kept of its payload; raise `QuestionRefused` where there is none such."""
        found = self._valid(KeptMessagesBody, self._chosen("/v1/quarantine/messages", message=message))
        response = self._answer("GET", f"/v1/quarantine/{message}")
        if not found.messages or response.status_code == 404:
            raise QuestionRefused(f"no refused message {message} is kept")
        if response.status_code != 200:
            raise self._refusal(
                response.status_code, "/v1/quarantine", self._json(response, "/v1/quarantine")
            )
        return found.messages[0], response.content

    def replay_quarantine(self, wanted: ReplayWantedBody) -> ReplayedMessagesBody:
        """Take refused messages anew; raise `NotTaken` with the reason where the service does not."""
        body = wanted.model_dump(exclude_defaults=True, by_alias=True)
        return self._valid(ReplayedMessagesBody, self._taken("POST", "/v1/quarantine/replay", json=body))

    def inbox(self) -> list[UnknownDeviceBody]:
        """Return the devices that nobody has configured."""
        return [one for page in self._pages(InboxBody, "/v1/inbox", {}) for one in page.devices]
