"""What is said where a decision of a month, a paper, a record, its evidence or a movement is refused or taken, in Vietnamese; what the state keeps is its own English."""

import re
from collections.abc import Mapping

from plant.languages import Language
from reports.words import texts

_WORDS: Mapping[str, str] = {
    "refuse": "từ chối",
    "strike": "gạch bỏ",
    "allowance": "hạn ngạch",
    "credit": "tín chỉ",
    "energy-certificate": "chứng chỉ năng lượng",
    "contract": "hợp đồng",
}
_KINDS = "PDF, PNG, JPEG, XML, XLSX, CSV"
_ROW = re.compile(r"row ([0-9]+): (.+?)(?:; and ([0-9]+) more rows are refused)?")
_MOVEMENT = re.compile(r"movement (\S+) (rests on it|could not be any more): (.+)")
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
        # records
        r"say why(?: with reason)?: what is to (\S+) is kept with it": "hãy nêu lý do: lý do {} được lưu cùng bản ghi",
        "no record is named": "chưa nêu bản ghi nào",
        "there is no record (.+) of this channel to be replaced": "kênh này không có bản ghi {} để thay thế",
        "there is no record (.+)": "không có bản ghi {}",
        "from 1 to (.+) (?:records|movements) are entered together": "mỗi lần nhập từ 1 đến {} dòng",
        r"(\S+) was entered by (.+): nobody else withdraws it": "{1} đã nhập {0}: người khác không rút lại được",
        r"(\S+) is (\S+), and not (\S+)": "{} {}, không phải {}",
        r"(\S+) is no longer configured as a channel that is entered": "{} không còn là kênh nhập tay trong cấu hình",
        r"([0-9]+-[0-9]+) is (\S+) already": "{} {} rồi",
        r"([0-9]+-[0-9]+) is (\S+): only an approved record is replaced": "{} {}: chỉ thay thế bản ghi đã duyệt",
        r"(.+) has entered (\S+), with the key (.+), which is one person: another person approves it": (
            "{} đã nhập {} bằng khóa {}, tính là một người: người khác phải duyệt"
        ),
        r"(.+) has entered (\S+): another person approves it": "{} đã nhập {}: người khác phải duyệt",
        r"(\S+) is read by gateway (\S+): only channels with entered: true take records": (
            "{} do gateway {} đọc: chỉ kênh có entered: true nhận bản ghi"
        ),
        r"no channel (\S+) is configured": "cấu hình không có kênh {}",
        r"(.+) is no amount that can be counted with": "{} không phải là một lượng tính được",
        r"(.+?)(?: is outside:)? min is (.+)": "{} nằm ngoài giới hạn: nhỏ nhất là {}",
        r"(.+?)(?: is outside:)? max is (.+)": "{} nằm ngoài giới hạn: lớn nhất là {}",
        r"it is entered already, as (\S+): the same stretch, value and evidence": "đã nhập rồi, là {}: cùng kỳ, cùng lượng, cùng chứng từ",
        r"no (?:such )?evidence(?: (.+))? was handed in: hand in the file first": "chưa nộp chứng từ này: hãy nộp tệp trước",
        r"it overlaps row (\S+) of the same channel": "trùng kỳ với dòng {} của cùng kênh",
        r"it overlaps the approved record (\S+) \(from (\S+) (.+), (.+?)\): enter it as one that replaces that, or strike that first": (
            "trùng kỳ với bản ghi đã duyệt {0} (từ {1}, {3}): hãy nhập để thay thế bản ghi đó, hoặc gạch bỏ nó trước"
        ),
        "a level holds from its time on: it has no `to`": "một mức có hiệu lực từ thời điểm của nó: không có ngày kết thúc",
        "`to` is the first instant that no longer belongs to it, and must be after `from`": (
            "ngày kết thúc là thời điểm đầu tiên không còn thuộc kỳ, phải sau ngày bắt đầu"
        ),
        "its stretch is longer than (.+) days: enter it year by year": "kỳ dài hơn {} ngày: hãy nhập từng năm",
        r"it reaches to (\S+), and that is not yet": "kỳ kéo dài đến {}, là thời điểm chưa tới",
        # movements
        r"movement (\S+) is (\S+), and not (\S+)": "giao dịch {} {}, không phải {}",
        r"movement (\S+) was entered by (.+): nobody else withdraws it": "{1} đã nhập giao dịch {0}: người khác không rút lại được",
        "there is no movement (.+)": "không có giao dịch {}",
        "no movement is said": "chưa nêu giao dịch nào",
        r"no instrument (\S+) is configured": "cấu hình không có công cụ {}",
        r"it is of (\S+), and that is not yet": "giao dịch ghi ngày {}, là ngày chưa tới",
        r"nothing of kind (\S+) is (\S+): it is (.+)": "loại {} không có giao dịch {}: chỉ có {}",
        "an amount is above 0: what leaves is said by what is done": "lượng phải lớn hơn 0: chiều giao dịch do loại giao dịch nói",
        "say of which year it is, with year": "hãy nêu năm (year) của giao dịch",
        r"what of kind (\S+) is (\S+) is of no year: leave it out": "giao dịch {1} của loại {0} không thuộc năm nào: hãy bỏ year",
        r"it expired on (\S+): nothing of it is (\S+) on (\S+)": "đã hết hạn ngày {0}: không {1} được vào ngày {2}",
        "each unit of it has a serial: say which with serials": "mỗi đơn vị có số sê-ri: hãy nêu các số (serials)",
        "it has no serials: leave them out, or say serials: true of the instrument": (
            "công cụ này không có số sê-ri: hãy bỏ serials, hoặc khai báo serials: true"
        ),
        "the serials (.+) run backwards: the first is not above the last": "dãy sê-ri {} chạy ngược: số đầu phải không lớn hơn số cuối",
        "the serials (.+) are named twice": "dãy sê-ri {} được nêu hai lần",
        r"(\S+) serials are named for (\S+): one is one unit": "có {} số sê-ri cho lượng {}: mỗi số là một đơn vị",
        r"the serials (.+) were used up before (\S+): a serial counts once": (
            "dãy sê-ri {} đã dùng trước ngày {}: mỗi số chỉ tính một lần"
        ),
        r"(\S+) holds the serials (.+) on (\S+): a serial counts once": "{} đang giữ dãy sê-ri {} vào ngày {}: mỗi số chỉ tính một lần",
        r"the serial (.+) is not held on (\S+)": "số sê-ri {} không có trong tài khoản vào ngày {}",
        r"(\S+) would be (\S+) on (\S+), and (\S+) is held then": "{1} {0} vào ngày {2}, trong khi lúc đó chỉ có {3}",
        # what is done
        r"(?:movements? )?(\S+) to (\S+): entered, and counts once another person has approved it": (
            "{} đến {}: đã nhập, được tính khi người khác duyệt"
        ),
        r"(?:movement )?(\S+): entered, and counts once another person has approved it": "{}: đã nhập, được tính khi người khác duyệt",
        r"(?:movement )?(.+): approved, and counts": "{}: đã duyệt, được tính",
        r"(?:movement )?(.+): struck, and counts no longer": "{}: đã bị gạch bỏ, không được tính nữa",
        r"(?:movement )?([0-9-]+): (refused|withdrawn)": "{}: {}",
        r"(\S+) (?:records|movements) would be entered": "sẽ nhập {} dòng",
        r"(\S+) rows would be refused": "{} dòng sẽ bị từ chối",
        "the service has not come to it yet: ask again with GET": "dịch vụ chưa xử lý đến: hãy hỏi lại bằng GET",
        # evidence
        "it begins like a PDF, and says no version of it": "tệp bắt đầu như PDF nhưng không ghi phiên bản",
        "it begins like a PDF and has no end: it is cut off, or none": "tệp bắt đầu như PDF nhưng không có phần cuối: bị cắt cụt, hoặc không phải PDF",
        "it begins like a PNG, and its part (.+) is damaged": "tệp bắt đầu như PNG, phần {} bị hỏng",
        r"it begins like (?:a )?(PNG|JPEG|workbook \(xlsx\)), and is cut off, or none": "tệp bắt đầu như {} nhưng bị cắt cụt, hoặc không phải loại đó",
        "it would unpack to more than (.+) parts or (.+) MiB": "tệp giải nén ra hơn {} phần hoặc {} MiB",
        "it has two parts of one name, or is encrypted": "tệp có hai phần trùng tên, hoặc được mã hóa",
        r"it is a zip file and no workbook \(xlsx\)": "đây là tệp zip, không phải bảng tính (xlsx)",
        "its table of contents is larger than any workbook's": "mục lục của tệp lớn hơn của mọi bảng tính",
        "it has macros or parts that run when it is opened: save it as xlsx without them": (
            "tệp có macro hoặc phần tự chạy khi mở: hãy lưu thành xlsx không có macro"
        ),
        "it is XML with a document type of its own: that is not taken": "tệp XML có DOCTYPE riêng: không nhận",
        "it begins like XML, and is none: (.+)": "tệp bắt đầu như XML nhưng không phải XML: {}",
        r"it is a page of a browser \((.+)\): hand in what it shows as PDF or a picture": (
            "đây là trang web ({}): hãy nộp nội dung dưới dạng PDF hoặc ảnh"
        ),
        "it is none of PDF, PNG, JPEG, XML, XLSX and CSV": f"tệp không thuộc các loại {_KINDS}",
        "it is a text, and no CSV: its lines have different numbers of cells": "tệp văn bản nhưng không phải CSV: các dòng có số ô khác nhau",
        "it is a text, and no CSV: (.+)": "tệp văn bản nhưng không phải CSV: {}",
    }.items()
)


def in_language(detail: str, language: Language) -> str:
    """Return what became of a decision in a language; what has no other words as it is."""
    if language != "vi":
        return detail
    if found := _ROW.fullmatch(detail):
        row, why, more = found.groups()
        return f"dòng {row}: {in_language(why, language)}" + f"; và {more} dòng khác cũng bị từ chối" * bool(
            more
        )
    if found := _MOVEMENT.fullmatch(detail):
        number, how, why = found.groups()
        before = "dựa vào giao dịch này" if how == "rests on it" else "sẽ không còn hợp lệ"
        return f"giao dịch {number} {before}: {in_language(why, language)}"
    for pattern, text in _SAID:
        if found := pattern.fullmatch(detail):
            return text.format(*(_word(one) for one in found.groups()))
    return detail


def _word(said: str) -> str:
    """Return a word of ours in Vietnamese, what is none as it is."""
    known = texts("vi")
    keys = (f"{kind}.{said}" for kind in ("status", "standing", "act"))
    return _WORDS.get(said) or next((known[key] for key in keys if key in known), said)
