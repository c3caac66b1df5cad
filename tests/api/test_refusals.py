"""What is said where something is refused, in the language that was asked for."""

import ast
import inspect
from types import ModuleType

import pytest

from api.records import kinds
from api.refusals import in_language
from ingest.known import movements, reports
from ingest.line import decisions, records
from rules.market import entering, holdings
from store.records import checks

REFUSING = ("DecisionRefused", "MovementRefused", "NoEvidence", "_refuse")
SOMETHING = "7-1"  # for whatever stands in a text


def said_by(module: ModuleType) -> list[str]:
    """Return the texts with which a module refuses, but for what others say."""
    nodes = list(ast.walk(ast.parse(inspect.getsource(module))))
    texts = [
        text
        for call in nodes
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in REFUSING
        for text in call.args
    ]
    texts += [  # why a row is refused
        one.value
        for one in nodes
        if isinstance(one, ast.Assign)
        and isinstance(one.targets[0], ast.Subscript)
        and isinstance(one.value, ast.JoinedStr)
    ]
    parts = [
        text.values if isinstance(text, ast.JoinedStr) else [text]
        for text in texts
        if "_told(" not in ast.unparse(text)
    ]
    return [
        "".join(part.value if isinstance(part, ast.Constant) else SOMETHING for part in one)
        for one in parts
        if any(isinstance(part, ast.Constant) for part in one)
    ]


@pytest.mark.parametrize(
    "module", [decisions, reports, records, checks, kinds, movements, entering, holdings]
)
def test_whatever_is_refused_is_said_in_vietnamese_too(module: ModuleType) -> None:
    """But for the gates of a month, which the API says in each language before the line is asked."""
    said = said_by(module)

    assert len(said) >= 4
    for detail in said:
        assert in_language(detail, "en") == detail
        assert in_language(detail, "vi") != detail


def test_rows_of_a_table_are_named_in_both() -> None:
    detail = (
        "row 3: no evidence 'sha256:0' was handed in: hand in the file first; and 2 more rows are refused"
    )

    assert (
        in_language(detail, "vi")
        == "dòng 3: chưa nộp chứng từ này: hãy nộp tệp trước; và 2 dòng khác cũng bị từ chối"
    )
    assert in_language("row 1: something else", "vi") == "dòng 1: something else"
