"""The dashboards against Grafana's own types: @grafana/schema of npm, for which TypeScript finds keys and words that it does not know."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.grafana.built import DASHBOARDS, Json
from tests.servers import required, required_node

PLUGINS = ("barchart", "geomap", "stat", "table", "timeseries")
OF_FIELDS = {"barchart", "table", "timeseries"}  # plugins that add to a field's configuration
WITHOUT_TYPES = {"alertGroups"}  # the schema has none of it
SCHEMA = (
    "./node_modules/@grafana/schema/dist/types"  # by its place: the package lets nobody import it by name
)
# A file of JSON holds words where the types have enums. What a plugin adds to a field is its own; its options may be left out, and the
# SDK writes each panel whole.
PROLOGUE = f"""\
import type {{ Dashboard, Panel, RowPanel }} from '{SCHEMA}/veneer/dashboard.types';
{"".join(f"import type * as {one} from '{SCHEMA}/raw/composable/{one}/panelcfg/x/types.gen';" for one in PLUGINS)}
type Plain<T> = T extends string ? `${{T}}` : T extends object ? {{ [K in keyof T]: Plain<T[K]> }} : T;
type Whole = Omit<Plain<Dashboard>, 'panels'>;
type Shown<O, F> = Omit<Plain<Panel>, 'options' | 'fieldConfig'> & {{
  options: Plain<Partial<O>>;
  fieldConfig: Omit<Plain<Panel>['fieldConfig'] & {{}}, 'defaults'> & {{
    defaults: Omit<(Plain<Panel>['fieldConfig'] & {{}})['defaults'], 'custom'> & {{ custom?: Plain<Partial<F>> }};
  }};
}};
"""


# Of variables, what the SDK writes for each though it is of intervals; of marks, the question, which is the data source's own; and what
# Grafana's code reads (QueryVariableModel, AnnotationQuery of @grafana/data), though its schema does not say so.
LEFT_OUT = {"auto", "auto_min", "auto_count", "target", "definition", "mappings"}


def without(value: Any) -> Any:
    if isinstance(value, list):
        return [without(one) for one in value]
    if isinstance(value, dict):
        return {name: without(one) for name, one in value.items() if name not in LEFT_OUT}
    return value


def type_of(panel: Json) -> str:
    kind = panel["type"]
    if kind == "row":
        return "Plain<RowPanel>"
    if kind in WITHOUT_TYPES:
        return "Plain<Panel>"
    return f"Shown<{kind}.Options, {f'{kind}.FieldConfig' if kind in OF_FIELDS else '{}'}>"


def typescript(dashboards: dict[str, Json]) -> str:
    """Return the dashboards as values of these types, each panel as one of its plugin's."""
    lines = [PROLOGUE]
    for number, dashboard in enumerate(dashboards.values()):
        told = {name: value for name, value in without(dashboard).items() if name != "panels"}
        lines.append(f"const d{number}: Whole = {json.dumps(told)};")
        lines += [
            f"const d{number}p{panel['id']}: {type_of(panel)} = {json.dumps(panel)};"
            for panel in dashboard["panels"]
        ]
    return "\n".join(lines)


def found_wrong(folder: Path, dashboards: dict[str, Json]) -> list[str]:
    """Return what TypeScript says, a line each."""
    modules = required_node("@grafana/schema") / "node_modules"
    (folder / "node_modules").symlink_to(modules)
    (folder / "boards.ts").write_text(typescript(dashboards))
    tsc = modules / "typescript" / "bin" / "tsc"
    options = [
        "--noEmit",
        "--strict",
        "--skipLibCheck",
        "--module",
        "esnext",
        "--moduleResolution",
        "bundler",
    ]
    done = subprocess.run(
        [required("node"), str(tsc), *options, "boards.ts"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.splitlines() + done.stderr.splitlines()


def test_grafana_knows_every_key_and_word_of_the_dashboards(tmp_path: Path) -> None:
    assert found_wrong(tmp_path, DASHBOARDS) == []


def misspelt(panel: Json) -> None:
    panel["options"]["colourMode"] = "value"


def unheard_of(panel: Json) -> None:
    panel["options"]["colorMode"] = "loud"


@pytest.mark.parametrize("spoil", [misspelt, unheard_of])
def test_a_key_or_a_word_that_grafana_does_not_know_is_found(tmp_path: Path, spoil: Any) -> None:
    board = json.loads(json.dumps(DASHBOARDS["stackmeter-overview"]))
    spoil(next(panel for panel in board["panels"] if panel["type"] == "stat"))

    assert any("TS2" in line for line in found_wrong(tmp_path, {"spoilt": board}))
