"""What the line says where it refuses a decision of a month or of a paper, in Vietnamese; what the state keeps is its own English."""

import re
from collections.abc import Mapping

from plant.languages import Language
from store.accounting.closing import Status

_STATUSES: Mapping[str, str] = {
    Status.OPEN: "đang mở",
    Status.PROVISIONAL: "tạm thời",
    Status.FINAL: "đã chốt",
    Status.RESTATED: "đã điều chỉnh",
}
_SAID = tuple(
    (re.compile(pattern), text)
    for pattern, text in {
        "the month is (.+) already": "tháng này {} rồi",
        "the month is not over yet: close it when it is": "tháng chưa kết thúc: hãy chốt khi hết tháng",
        "nothing waits for approval in this month": "tháng này không có gì chờ phê duyệt",
        "what waits has changed since .+: look again": "phần chờ phê duyệt đã thay đổi: hãy xem lại",
        "(.+) has approved this already: it takes a second person": "{} đã phê duyệt rồi: cần người thứ hai",
        "no park (.+) is configured": "cấu hình không có khu {}",
        "there is no month (.+) on our clocks: one is written like 2026-10": "không có tháng {}: tháng được viết như 2026-10",
        "no action (.+): provisional, final or approve": "không có việc {}: chỉ có provisional, final hoặc approve",
        "another paper was issued meanwhile, which has its number: issue it again": "vừa có báo cáo khác được phát hành với số này: hãy phát hành lại",
        r"(\S+) is (.+): close it first": "{} {}: hãy chốt tháng trước",
        r"(\S+) changed while the paper was made: issue it again": "{} đã thay đổi trong lúc lập báo cáo: hãy phát hành lại",
    }.items()
)


def in_language(detail: str, language: Language) -> str:
    """Return why a decision was refused in a language; what has no other words as it is."""
    if language == "vi":
        for pattern, text in _SAID:
            if found := pattern.fullmatch(detail):
                return text.format(*(_STATUSES.get(one, one) for one in found.groups()))
    return detail
