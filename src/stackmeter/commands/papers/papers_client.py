"""What the commands about papers ask of a service."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from api.reports.forms import FormsBody
from api.reports.issued import IssuedBody, IssueWantedBody, ReportsBody, VerifiedBody
from api.reports.month_end import MonthEndBody
from stackmeter.client.answers import ServiceAsked

PAPER_S = 120.0  # years are read, and written as a file


class PapersClient(ServiceAsked):
    """A client that asks for papers too."""

    def forms(self, language: str) -> FormsBody:
        """Return the forms that papers are made by."""
        return self._valid(FormsBody, self._get("/v1/forms", {"language": language}))

    def filled_form(self, form: str, kind: str, place: str, periods: Sequence[str], language: str) -> bytes:
        """Return a draft as a file; raise `QuestionRefused` where there is no such form, place, period or kind of file."""
        park, _, facility = place.partition("/")
        asked = {"park": park, "periods": ",".join(periods), "language": language}
        return self._file(
            f"/v1/forms/{quote(form, safe='')}.{quote(kind, safe='')}",
            asked | ({"facility": facility} if facility else {}),
        )

    def month_end(self, park: str, month: str, language: str) -> MonthEndBody:
        """Return what keeps a month from being final; raise `QuestionRefused` where there is no such park or month."""
        return self._valid(
            MonthEndBody, self._get("/v1/month-end", {"park": park, "month": month, "language": language})
        )

    def issue(self, wanted: IssueWantedBody) -> IssuedBody:
        """Issue a paper; raise `NotTaken` with the reason where the service does not."""
        body = wanted.model_dump(exclude_none=True)
        return self._valid(IssuedBody, self._taken("POST", "/v1/reports", PAPER_S, json=body))

    def reports(self) -> ReportsBody:
        """Return what was issued, and how it stands."""
        return self._valid(ReportsBody, self._get("/v1/reports"))

    def report_of(self, digest: str) -> VerifiedBody:
        """Return which report a file is of, by its digest."""
        return self._valid(VerifiedBody, self._get("/v1/reports/verify", {"digest": digest}))

    def report_file(self, report: str, kind: str) -> bytes:
        """Return a file of a report as it was issued; raise `QuestionRefused` where there is none such."""
        return self._file(f"/v1/reports/{quote(report, safe='')}.{quote(kind, safe='')}", {})

    def _file(self, path: str, query: Mapping[str, str]) -> bytes:
        response = self._answer("GET", path, params=query, timeout=PAPER_S)
        if response.status_code != 200:
            raise self._refusal(response.status_code, path, self._json(response, path))
        return response.content
