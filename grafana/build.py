"""Builds the dashboards: classic JSON, which file provisioning takes in every version, in a folder for each language.

`python -m grafana.build` writes `dashboards/*/*.json`; the same code always writes the same bytes.
"""

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.boards import (
    deliveries,
    eco_park,
    energy,
    facility,
    health,
    month_end,
    on_call,
    overview,
    quality,
    restatements,
    roadmap,
    stack,
    water,
)
from grafana.texts import FOLDERS, LANGUAGES, Say

FOLDER = Path(__file__).parent / "dashboards"
BOARDS = (
    overview, facility, stack, energy, water, eco_park, roadmap, month_end, restatements, on_call, deliveries, quality, health,
)  # fmt: skip


def dashboards(say: Say) -> list[Dashboard]:
    """Return every dashboard in one language."""
    return [board.make(say) for board in BOARDS]


def encode(dashboard: Dashboard) -> str:
    """Return the text of a dashboard's file."""
    return json.dumps(dashboard, cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"


def render() -> dict[Path, str]:
    """Return the text of every file."""
    return {
        FOLDER / FOLDERS[language] / f"{dashboard.uid}.json": encode(dashboard)
        for language in LANGUAGES
        for dashboard in dashboards(Say(language))
    }


def main() -> None:
    """Write every file, and remove what is built no more."""
    made = render()
    for stale in set(FOLDER.glob("**/*.json")) - set(made):
        stale.unlink()
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
