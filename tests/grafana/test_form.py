"""The dashboards as files: as the code builds them, complete, and of one piece with what is provisioned."""

import json
import re
from itertools import combinations
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from api.alerts.told import MOST_ALERTS
from grafana import build
from grafana.texts import FOLDERS, TEXTS, Say
from tests.frame.repository import text, yaml
from tests.frame.test_docs import anchors
from tests.grafana.built import (
    DASHBOARDS,
    FILES,
    INFINITY,
    RULES,
    SOURCES,
    Json,
    each_dashboard,
    each_panel,
    panels,
)

register_default_plugins()


def test_rebuilding_changes_no_file() -> None:
    """Nobody edited a dashboard by hand, and nobody forgot scripts/dashboards."""
    assert build.render() == {file: file.read_text() for file in FILES}


@each_dashboard
def test_the_sdk_reads_back_what_it_wrote(dashboard: Json) -> None:
    """It drops keys that it does not know, so that a misspelt one is missing afterwards."""
    again = json.loads(json.dumps(Dashboard.from_json(dashboard), cls=JSONEncoder))
    for control in (*again["links"], *again["annotations"]["list"]):
        del control["placement"]  # the SDK's own default
    for panel in panels(again):
        panel["options"].pop("footer", None)  # the same

    assert again == dashboard


@each_dashboard
def test_links_and_marks_are_not_put_into_a_menu(dashboard: Json) -> None:
    """In the menu Grafana leaves out a list of dashboards (getDashboardControlsLinks in public/app/features/dashboard-scene)."""
    controls = [*dashboard["links"], *dashboard["annotations"]["list"]]

    assert controls
    assert not any("placement" in control for control in controls)


@each_dashboard
def test_a_dashboard_is_classic_json_with_an_identity_of_its_own(dashboard: Json) -> None:
    """File provisioning refuses the newer format, and a link to a dashboard needs a uid that stays."""
    assert dashboard["schemaVersion"] == 42
    assert re.fullmatch(r"stackmeter-[a-z-]{1,29}", dashboard["uid"])
    assert dashboard["description"].strip()
    assert not dashboard["editable"]


@each_panel
def test_a_panel_says_what_it_shows_and_in_which_unit(panel: Json) -> None:
    assert panel["title"].strip()
    assert panel["description"].strip()
    assert panel["fieldConfig"]["defaults"]["unit"].strip()


@each_panel
def test_an_unknown_is_a_word_and_never_a_zero(panel: Json) -> None:
    text = json.dumps(panel, ensure_ascii=False)

    assert panel["fieldConfig"]["defaults"]["noValue"] in TEXTS["unknown"]
    assert panel["fieldConfig"]["defaults"].get("custom", {}).get("spanNulls") in (None, False)
    assert not re.search(r"nullValueMode|fill\((0|linear|previous)\)", text)


@each_panel
def test_a_panel_asks_a_data_source_that_is_provisioned(panel: Json) -> None:
    asked = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]

    assert {(one["uid"], one["type"]) for one in asked} <= {(s["uid"], s["type"]) for s in SOURCES.values()}


def test_the_alert_groups_name_the_data_source_by_its_name() -> None:
    named = {
        panel["options"]["alertmanager"]
        for dashboard in DASHBOARDS.values()
        for panel in panels(dashboard)
        if panel["type"] == "alertGroups"
    }

    assert named == {SOURCES["stackmeter-alertmanager"]["name"]}


@each_dashboard
def test_panels_do_not_overlap_and_stay_on_the_grid(dashboard: Json) -> None:
    places = [panel["gridPos"] for panel in dashboard["panels"]]

    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y, f"{one} and {other}"


def without_texts(value: Any) -> Any:
    """Return a dashboard without what people read, and without what tells the languages apart."""
    shown = {
        "title",
        "description",
        "label",
        "name",
        "alias",
        "noValue",
        "text",
        "uid",
        "tags",
        "mappings",
        "legendFormat",
    }
    if isinstance(value, dict):
        if value.get("id") in ("displayName", "mappings", "noValue"):
            return value["id"]
        if value.get("key") == "language":
            return "language"
        return {key: without_texts(one) for key, one in value.items() if key not in shown}
    if isinstance(value, list):
        return [without_texts(one) for one in value]
    return (
        re.sub(r"(/d/stackmeter-[a-z-]*?)(-vi)?(\?|$)", r"\1\3", value) if isinstance(value, str) else value
    )


@pytest.mark.parametrize("name", [name for name in DASHBOARDS if not name.endswith("-vi")])
def test_both_languages_have_the_same_panels(name: str) -> None:
    english, vietnamese = DASHBOARDS[name], DASHBOARDS[f"{name}-vi"]
    # A table is sorted by the name that people read.
    sorting = re.compile(r'"displayName": "[^"]*"')

    one, other = (
        sorting.sub("", json.dumps(without_texts(d), ensure_ascii=False)) for d in (english, vietnamese)
    )
    assert one == other
    assert english["title"] != vietnamese["title"]


def test_each_language_has_a_folder() -> None:
    assert {file.parent.name for file in FILES} == set(FOLDERS.values())
    assert all(("-vi" in file.stem) == (file.parent.name == FOLDERS["vi"]) for file in FILES)


def test_every_text_is_there_in_both_languages_and_used() -> None:
    """A text that no dashboard shows is one that somebody forgot to take out."""
    assert all(one.strip() and other.strip() for one, other in TEXTS.values())

    class Listening(Say):
        def __call__(self, key: str) -> str:
            heard.add(key)
            return super().__call__(key)

    heard: set[str] = set()
    build.dashboards(Listening("en"))
    assert heard == set(TEXTS)


def links(dashboard: Json) -> list[tuple[str, set[str]]]:
    """Return the links from cells: their address, and the fields that the row has."""
    return [
        (link["url"], {column["selector"] for target in panel["targets"] for column in target["columns"]})
        for panel in panels(dashboard)
        for override in panel["fieldConfig"]["overrides"]
        for property_ in override["properties"]
        if property_["id"] == "links"
        for link in property_["value"]
    ]


@each_dashboard
def test_a_link_leads_to_a_dashboard_and_fills_its_variables(dashboard: Json) -> None:
    own = {variable["name"] for variable in dashboard["templating"]["list"]}
    for url, fields in links(dashboard):
        address = urlsplit(url.replace("&${__url_time_range}", ""))
        target = DASHBOARDS[address.path.removeprefix("/d/")]
        variables = {variable["name"] for variable in target["templating"]["list"]}
        for name, value in parse_qsl(address.query, strict_parsing=True):
            assert name.removeprefix("var-") in variables
            field = re.fullmatch(r"\$\{__data\.fields\.(\w+)\}", value)
            assert field[1] in fields if field else value.removeprefix("$") in own


@each_dashboard
def test_a_dashboard_leads_to_the_others_and_to_the_other_language(dashboard: Json) -> None:
    others, translated = dashboard["links"]

    assert set(others["tags"]) <= set(dashboard["tags"])
    assert translated["url"].removeprefix("/d/") in DASHBOARDS
    assert translated["url"] != f"/d/{dashboard['uid']}"


@each_dashboard
def test_every_variable_that_is_used_is_there(dashboard: Json) -> None:
    text = json.dumps([dashboard["panels"], dashboard["templating"], dashboard["annotations"]])
    used = set(re.findall(r"\$\{?(?!tag_|timeFilter|_)([a-z]\w*)", text))

    assert used == {variable["name"] for variable in dashboard["templating"]["list"]}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["uid"])
def test_an_alert_rule_of_grafana_is_whole(rule: Json) -> None:
    """Its condition and each expression name a query that is there, and its queries a data source that is provisioned."""
    queries = {one["refId"]: one for one in rule["data"]}

    assert rule["condition"] in queries
    assert {one["datasourceUid"] for one in rule["data"]} <= {*SOURCES, "__expr__"}
    for name, query in queries.items():
        model = query["model"]
        assert model["refId"] == name
        if query["datasourceUid"] == "__expr__":
            assert model["expression"] in queries
        else:
            assert model["datasource"]["uid"] == query["datasourceUid"]
    assert rule["annotations"]["summary"].strip()
    assert (rule["noDataState"], rule["execErrState"]) != (None, None)


def infinity_queries() -> list[Any]:
    """Return every query of the plugin's: of panels, variables, marks and rules."""
    asked = [
        *(t for d in DASHBOARDS.values() for panel in panels(d) for t in panel["targets"]),
        *(mark["target"] for d in DASHBOARDS.values() for mark in d["annotations"]["list"]),
        *(v["query"]["infinityQuery"] for d in DASHBOARDS.values() for v in d["templating"]["list"] if isinstance(v["query"], dict)),
        *(query["model"] for rule in RULES for query in rule["data"] if query["datasourceUid"] != "__expr__"),
    ]  # fmt: skip
    return [one for one in asked if one["datasource"]["type"] == INFINITY]


# Of grafana-infinity-datasource 3.11.1: pkg/models/query.go, pkg/pluginschema/apiserver.schema.json. Go takes no notice of a
# key that it does not know.
QUERY_KEYS = {
    "refId", "datasource", "type", "source", "parser", "format", "url", "url_options", "csv_options", "root_selector",
    "columns", "filterExpression", "filters",
}  # fmt: skip
CSV_KEYS = {
    "delimiter",
    "skip_empty_lines",
    "skip_lines_with_error",
    "relax_column_count",
    "columns",
    "comment",
}
COLUMN_TYPES = {"string", "number", "boolean", "timestamp"}
SETTINGS = {"auth_method", "allowedHosts", "timeoutInSeconds", "ignoreStatusCodeCheck"}


def test_the_plugin_knows_every_key_of_its_queries() -> None:
    found = infinity_queries()

    assert len(found) > 50
    for query in found:
        assert set(query) <= QUERY_KEYS
        assert (query["source"], query["parser"], query["format"]) == ("url", "backend", "table")
        assert query["type"] in {"json", "csv"}
        assert set(query.get("csv_options", {})) <= CSV_KEYS
        assert set(query["url_options"]) <= {"method", "data", "params"}
        # Go reads a value as text, and refuses the whole query where one is not.
        assert all(isinstance(one["value"], str) for one in query["url_options"]["params"])
        for column in query["columns"]:
            assert set(column) == {"selector", "text", "type"}
            assert column["type"] in COLUMN_TYPES


def test_the_plugin_knows_every_key_of_its_data_sources() -> None:
    for source in SOURCES.values():
        if source["type"] == INFINITY:
            assert set(source["jsonData"]) <= SETTINGS
            assert set(source["secureJsonData"]) == {"bearerToken"}


# Of Grafana 13: pkg/services/provisioning/alerting/rules_types.go, pkg/expr/commands.go and threshold.go. What does not fit keeps
# Grafana from starting.
GROUP_KEYS = {"orgId", "name", "folder", "interval", "rules"}
RULE_KEYS = {
    "uid", "title", "condition", "data", "noDataState", "execErrState", "for", "annotations", "labels", "dashboardUid", "panelId",
}  # fmt: skip
DURATION = r"(\d+h)?(\d+m)?(\d+s)?"


def test_the_file_of_rules_has_the_shape_that_grafana_reads() -> None:
    provisioned = yaml("grafana/provisioning/alerting/stackmeter.yaml")

    assert set(provisioned) == {"apiVersion", "contactPoints", "policies", "groups"}
    for group in provisioned["groups"]:
        assert set(group) == GROUP_KEYS
        assert re.fullmatch(DURATION, group["interval"])
        assert group["folder"] in FOLDERS.values()
    assert len({rule["uid"] for rule in RULES}) == len({rule["title"] for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["uid"])
def test_grafana_can_read_and_judge_a_rule(rule: Json) -> None:
    assert set(rule) == RULE_KEYS
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", rule["uid"])
    assert re.fullmatch(DURATION, rule["for"])
    assert rule["noDataState"] in {"Alerting", "NoData", "OK", "KeepLast"}
    assert rule["execErrState"] in {"Alerting", "Error", "OK", "KeepLast"}
    assert all(isinstance(text, str) for text in (*rule["labels"].values(), *rule["annotations"].values()))
    # Grafana puts its environment into ${…} of a text, but leaves {{ $labels.… }} alone.
    assert "${" not in json.dumps(rule["annotations"])
    for query in rule["data"]:
        span = query["relativeTimeRange"]
        assert span["from"] > span["to"] >= 0
        model = query["model"]
        if query["datasourceUid"] != "__expr__":
            continue
        if model["type"] == "reduce":
            assert model["reducer"] in {"sum", "mean", "min", "max", "count", "last", "median"}
            assert model["settings"]["mode"] in {"", "dropNN", "replaceNN"}
        else:
            assert model["type"] == "threshold"
            (judged,) = model["conditions"]
            assert judged["evaluator"]["type"] in {"gt", "lt", "gte", "lte"}
            assert len(judged["evaluator"]["params"]) == 1


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["uid"])
def test_a_rule_leads_to_a_panel_that_shows_it_and_to_what_to_do(rule: Json) -> None:
    board = DASHBOARDS[rule["dashboardUid"]]
    [panel] = [one for one in panels(board) if one["id"] == rule["panelId"]]
    page, _, anchor = rule["annotations"]["runbook_url"].removeprefix("$DOCS_URL/").partition("#")

    assert panel["type"] == "timeseries"
    assert anchor in anchors(f"docs/{page.removesuffix('.html')}.md")


# Of Grafana 13: pkg/services/ngalert/receivers/webhook. The body that it sends is that of tests/api/test_alerts.py.
WEBHOOK_KEYS = {"url", "httpMethod", "authorization_scheme", "authorization_credentials", "maxAlerts"}


def test_what_fires_in_grafana_is_told_to_our_own_on_call() -> None:
    provisioned = yaml("grafana/provisioning/alerting/stackmeter.yaml")
    [point], [policy] = provisioned["contactPoints"], provisioned["policies"]
    [receiver] = point["receivers"]
    address = urlsplit(receiver["settings"]["url"])
    api = json.loads(text("docs/openapi.json"))

    assert policy["receiver"] == point["name"]
    assert receiver["type"] == "webhook"
    assert set(receiver["settings"]) <= WEBHOOK_KEYS
    assert "post" in api["paths"][address.path]
    assert f"{address.scheme}://{address.netloc}" == SOURCES["stackmeter-api"]["url"]
    assert receiver["settings"]["maxAlerts"] == MOST_ALERTS
