"""Every code of a reason has words in both languages."""

from typing import get_args

import pytest

from api.accounting.advising import NoAdvice
from api.reasons import told_reason
from api.totals.bridge import Gap
from api.totals.roadmap import Projection, Unseasonal
from api.totals.savings import Shortfall, Unfit, Why


def codes(kind):
    return {one for part in get_args(kind) for one in (get_args(part) or [part])}


@pytest.mark.parametrize("kind", [NoAdvice, Gap, Projection, Unseasonal, Why, Shortfall, Unfit])
def test_every_reason_has_words_in_both_languages(kind):
    for code in codes(kind):
        vi, en = told_reason(code, "vi"), told_reason(code, "en")
        assert vi != en
        assert not set(vi) & set("{}")
