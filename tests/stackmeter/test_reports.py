"""Papers from the command line, on a running service."""

import json
from pathlib import Path

from tests.reports.files import parts
from tests.service import Service
from tests.stackmeter.test_closing import run, service

__all__ = ["service"]


def test_a_paper_is_made_issued_saved_and_verified(service: Service, tmp_path: Path) -> None:
    month = json.loads(run(service, "periods", "--json").stdout)["periods"][-1]["month"]
    draft, issued, other = tmp_path / "draft.html", tmp_path / "issued.docx", tmp_path / "other.xlsx"

    told = run(service, "report", "forms")
    assert told.returncode == 0, told.stderr
    assert "form06" in told.stdout
    made = run(service, "report", "make", "monthly", "park", month, "--to", str(draft), "--language", "en")
    assert made.returncode == 0, made.stderr
    assert "DRAFT" in draft.read_text(encoding="utf-8")
    refused = run(service, "report", "issue", "monthly", "park", month, "--by", "lan")
    assert refused.returncode == 1
    assert month in refused.stderr

    run(service, "decide", "park", month, "final", "--by", "lan", "--despite", "the factor is not out")
    done = run(service, "report", "issue", "monthly", "park", month, "--by", "lan", "--to", str(issued))
    assert done.returncode == 0, done.stderr
    assert "issued: report 1, revision 1" in done.stdout
    parts(issued.read_bytes())
    [one] = json.loads(run(service, "report", "list", "--json").stdout)["reports"]
    assert run(service, "report", "save", one["id"], "--to", str(other)).returncode == 0
    assert [run(service, "report", "verify", str(file)).returncode for file in (issued, other, draft)] == [
        0,
        0,
        1,
    ]
    assert "issued by lan" in run(service, "report", "verify", str(issued)).stdout
    assert "1 r1" in run(service, "report", "list").stdout
    in_vietnamese = run(service, "report", "list", "--language", "vi").stdout
    assert all(word in in_vietnamese for word in ("số báo cáo", "tình trạng", "vẫn đúng"))
    to_do = run(service, "month-end", "park", month, "--language", "vi")
    assert f"park {month}: đã chốt" in to_do.stdout
    assert all(word in to_do.stdout for word in ("hiện trạng", "nghĩa vụ", "31/03/20")), to_do.stdout
    assert run(service, "report", "make", "monthly", "nowhere", month, "--to", str(draft)).returncode == 1
    assert (
        run(service, "report", "make", "monthly", "park", month, "--to", str(tmp_path / "a.pdf")).returncode
        == 1
    )
