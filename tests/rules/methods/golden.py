"""The published and derived cases of `golden_cases.json`, by id."""

import json
from pathlib import Path
from typing import Any

CASES: dict[str, dict[str, Any]] = {
    case["id"]: case
    for case in json.loads((Path(__file__).parents[1] / "golden_cases.json").read_text(encoding="utf-8"))[
        "cases"
    ]
}
