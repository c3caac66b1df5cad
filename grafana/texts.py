"""Every text of the dashboards, once in each language, and who speaks which.

A key is the text of a title; `KEY.about` describes what has that title, `KEY.open` leads to a dashboard.
"""

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "vi"]
LANGUAGES: tuple[Language, ...] = ("en", "vi")
FOLDERS: dict[Language, str] = {"en": "Stackmeter", "vi": "Stackmeter (tiếng Việt)"}


@dataclass(frozen=True, slots=True)
class Say:
    """Speaks one language."""

    language: Language

    def __call__(self, key: str) -> str:
        """Return a text; KeyError where the table has none."""
        return TEXTS[key][LANGUAGES.index(self.language)]

    @property
    def other(self) -> "Say":
        """The other language."""
        return Say("vi" if self.language == "en" else "en")

    def uid(self, dashboard: str) -> str:
        """Return the identity of a dashboard in this language; it never changes, because links and bookmarks hold it."""
        return f"stackmeter-{dashboard}" + ("" if self.language == "en" else f"-{self.language}")


# Words of the API that are shown in the reader's language: `value.WORD`.
MAPPED = (
    "firing", "acknowledged", "silenced", "inhibited", "resolved", "info", "warning", "critical",
    "open", "provisional", "final", "restated", "met", "not_met", "unknown", "recp", "links", "linked_firms", "land",
)  # fmt: skip

TEXTS: dict[str, tuple[str, str]] = {
    "unknown": ("unknown", "không rõ"),
    "dashboards": ("Dashboards", "Các bảng theo dõi"),
    "other-language": ("Tiếng Việt", "English"),
    "annotation.alerts": ("Alerts", "Cảnh báo"),
    # Dashboards
    "overview": ("Park overview", "Tổng quan khu công nghiệp"),
    "overview.about": (
        (
            "Tonnes of CO2e of a park now, today and this month, who emits them, and what is wrong. Coverage stands beside"
            " every total: what is missing is in no total."
        ),
        (
            "Lượng CO2e của khu công nghiệp hiện tại, hôm nay và tháng này, nguồn phát thải và những gì đang có vấn đề. Mỗi"
            " tổng đều kèm độ phủ dữ liệu: phần thiếu không được tính vào tổng nào."
        ),
    ),
    "overview.open": ("Open the park", "Mở khu công nghiệp"),
    "facility": ("Facility", "Cơ sở"),
    "facility.about": (
        "The sources of one facility, their gases and their coverage, and the readings of one of its channels.",
        "Các nguồn phát thải của một cơ sở, các khí và độ phủ dữ liệu, cùng số đọc của một kênh đo.",
    ),
    "facility.open": ("Open the facility", "Mở cơ sở"),
    "stack": ("Stack", "Ống khói"),
    "stack.about": (
        (
            "One source: its mass, the concentrations in its flue gas, the limits that were passed, and the hours that"
            " a regulation counts and substitutes."
        ),
        (
            "Một nguồn: khối lượng phát thải, nồng độ trong khí thải, các giới hạn đã bị vượt, và những giờ được tính hoặc"
            " được thay thế theo quy định."
        ),
    ),
    "stack.open": ("Open the source", "Mở nguồn phát thải"),
    "energy": ("Energy", "Năng lượng"),
    "energy.about": (
        "Electricity from the grid and from the roof: energy, demand, load, the emissions that it stands for, what it costs, and the battery.",
        "Điện từ lưới và điện mặt trời: điện năng, nhu cầu, phụ tải, lượng phát thải tương ứng, tiền điện và pin lưu trữ.",
    ),
    "clean": ("Clean electricity, this year", "Điện sạch, năm nay"),
    "clean.about": (
        "Facilities that say by which channels their electricity is clean: over the year, and in its own hour. Avoided tonnes are in no inventory.",
        "Các cơ sở khai báo kênh điện sạch: tính cả năm và đúng trong giờ dùng. Số tấn tránh được không nằm trong kiểm kê nào.",
    ),
    "bills": ("Bills of the chosen month", "Tiền điện của tháng đã chọn"),
    "bills.about": (
        "Facilities with a tariff: a reckoning from their own meters. By slot, and with the load duration, on the page Energy.",
        "Các cơ sở có biểu giá: tính từ công tơ của chính họ. Theo từng giờ và đường phụ tải thì xem trang Năng lượng.",
    ),
    "advice": ("Batteries tomorrow", "Pin lưu trữ ngày mai"),
    "advice.about": (
        "What a battery saves in money and costs in tonnes, if it works as advised. It is shown, and sent to no device.",
        "Pin tiết kiệm bao nhiêu tiền và thêm bao nhiêu tấn nếu làm theo lời khuyên. Chỉ để xem, không gửi đến thiết bị nào.",
    ),
    "tank": ("What batteries held, the last 28 days", "Pin lưu trữ đã chứa gì, 28 ngày qua"),
    "tank.about": (
        "Tonnes of what charged them, each once: in = drawn + lost + stored. No total changes by it.",
        "Số tấn của phần đã nạp, mỗi tấn một lần: đã nạp = đã xả + tổn thất + còn trong pin. Không tổng nào thay đổi.",
    ),
    "eco-park": ("Eco-park", "Khu công nghiệp sinh thái"),
    "eco-park.about": (
        "What tenants give each other by the meters of both, water that goes round, waste, and the criteria of an eco-park.",
        "Trao đổi giữa các doanh nghiệp theo đồng hồ đo của cả hai phía, nước tuần hoàn, chất thải và tiêu chí khu công nghiệp sinh thái.",
    ),
    "criteria": ("Criteria at the end of the chosen month", "Tiêu chí vào cuối tháng đã chọn"),
    "criteria.about": (
        "Met, not met, or unknown with what is lacking; of the present month, as it stands now. The thresholds are provisional.",
        "Đạt, chưa đạt, hoặc không rõ kèm phần còn thiếu; tháng này thì tính đến hiện tại. Các ngưỡng là tạm thời.",
    ),
    "exchanges": ("What tenants give each other", "Trao đổi giữa các doanh nghiệp"),
    "exchanges.about": (
        "Each exchange by the meters of both sides in the time range. It is a balance, and changes no total.",
        "Từng trao đổi theo đồng hồ đo của cả hai phía trong khoảng thời gian. Đây là cân bằng, không làm thay đổi tổng nào.",
    ),
    "avoided": ("What that is said to avoid", "Phần được coi là tránh được"),
    "avoided.about": (
        "Against a reference case. A statement apart: it is in no total, no position and no inventory.",
        "So với một trường hợp so sánh. Nêu riêng: không nằm trong tổng, vị thế hay kiểm kê nào.",
    ),
    "water-round": ("Water of the chosen month", "Nước của tháng đã chọn"),
    "water-round.about": (
        "Reuse is reused water on the wastewater that comes in; circulation is reused water on all that is used.",
        "Tái sử dụng là nước tái sử dụng trên nước thải vào; tuần hoàn là nước tái sử dụng trên tổng lượng nước dùng.",
    ),
    "waste": ("Waste of the chosen month", "Chất thải của tháng đã chọn"),
    "waste.about": (
        "Diverted is what was reused, recycled or composted. A stream that is unknown leaves no share.",
        "Không phải thải bỏ là phần tái sử dụng, tái chế hoặc ủ phân. Một dòng thải không rõ thì không có tỷ lệ.",
    ),
    "whole-park": ("the whole park", "cả khu"),
    "known": ("known", "có dữ liệu"),
    "on-call": ("Alerts and on-call", "Cảnh báo và trực ca"),
    "on-call.about": (
        "What is open and who has it, what is silenced, and how alerts came and went.",
        "Cảnh báo đang mở và người xử lý, những gì đang được tắt tiếng, và diễn biến cảnh báo.",
    ),
    "quality": ("Data quality and gateways", "Chất lượng dữ liệu và gateway"),
    "quality.about": (
        "What the gateways send, what of it counts, what was refused, and what is missing.",
        "Dữ liệu gateway gửi lên, phần được tính, phần bị từ chối và phần còn thiếu.",
    ),
    "health": ("Service health", "Tình trạng dịch vụ"),
    "health.about": (
        "Whether Stackmeter is ready, what it works without, and what waits.",
        "Stackmeter có sẵn sàng hay không, đang thiếu thành phần nào và những gì đang chờ.",
    ),
    # Numbers
    "now": ("Now", "Hiện tại"),
    "now.about": (
        (
            "Mean rate over the last five complete minutes, or over the last whole interval of the slowest meter, and how many"
            " sources it lacks: their gateway is offline, or they have been silent for longer than they are wont to be."
        ),
        (
            "Tốc độ trung bình trong năm phút đầy đủ gần nhất, hoặc trong khoảng đo đầy đủ gần nhất của đồng hồ chậm nhất, và số"
            " nguồn còn thiếu trong đó: gateway ngoại tuyến, hoặc nguồn im lặng lâu hơn thường lệ."
        ),
    ),
    "from-the-beginning": ("from the beginning", "từ đầu kỳ"),
    "complete-until": ("Complete until", "Đầy đủ đến"),
    "complete-until.about": (
        "Up to when every channel of the park has been heard; channels that fell silent are left out and listed as stale.",
        "Thời điểm mà mọi kênh của khu công nghiệp đã có số đọc; các kênh đã im lặng không được tính và được liệt kê riêng.",
    ),
    # Tables
    "facilities.about": (
        "Each facility of the park, with how much of its time is known. A click on the name opens it.",
        "Từng cơ sở của khu công nghiệp và phần thời gian có dữ liệu. Bấm vào tên để mở.",
    ),
    "parks.about": (
        "Each park that the token may see. A click on the name opens it.",
        "Từng khu công nghiệp mà mã truy cập được xem. Bấm vào tên để mở.",
    ),
    "top-emitters.about": (
        "The sources of the park, the largest first. An unknown source stands at the end, not at 0.",
        "Các nguồn phát thải của khu công nghiệp, lớn nhất trước. Nguồn không rõ đứng cuối, không phải bằng 0.",
    ),
    "map": ("Map", "Bản đồ"),
    "map.about": (
        "The facilities whose coordinates stand in the configuration. Others are not on the map.",
        "Các cơ sở có tọa độ trong cấu hình. Cơ sở khác không có trên bản đồ.",
    ),
    "open-alerts": ("Open alerts", "Cảnh báo đang mở"),
    "open-alerts.about": (
        "Alerts of the park that are not resolved, the newest first.",
        "Các cảnh báo của khu công nghiệp chưa được giải quyết, mới nhất trước.",
    ),
    "open-alerts-facility": ("Open alerts", "Cảnh báo đang mở"),
    "open-alerts-facility.about": (
        "Alerts of the facility that are not resolved, the newest first.",
        "Các cảnh báo của cơ sở chưa được giải quyết, mới nhất trước.",
    ),
    "sources.about": (
        "Each source with its activity, its tonnes and how they are known. A click on the name opens it.",
        "Từng nguồn với mức hoạt động, lượng phát thải và độ phủ dữ liệu. Bấm vào tên để mở.",
    ),
    "channels": ("Channels", "Các kênh đo"),
    "channels.about": (
        "The newest reading of each channel with its unit. A silent channel is stale.",
        "Số đọc mới nhất của từng kênh cùng đơn vị. Kênh im lặng được coi là cũ.",
    ),
    "range": ("In the time range", "Trong khoảng thời gian"),
    "range.about": (
        "Tonnes of the time that the time picker says, the open window included. What is missing is not in it: see the coverage.",
        "Lượng phát thải trong khoảng thời gian đã chọn, gồm cả khoảng tính đang mở. Phần thiếu không nằm trong số này: xem độ phủ.",
    ),
    "previous": ("The time before, as long", "Khoảng trước, dài bằng"),
    "previous.about": (
        "Tonnes of the time before the chosen one, of the same length: compare with it.",
        "Lượng phát thải của khoảng trước khoảng đã chọn, dài bằng: dùng để so sánh.",
    ),
    "highest-hour": ("Highest hour", "Giờ cao nhất"),
    "highest-hour.about": (
        "The most tonnes of one clock hour in the time range, and the hours as a curve: sums of the known sources of scope 1 and 2.",
        "Lượng phát thải lớn nhất trong một giờ của khoảng thời gian, và đường theo giờ: tổng các nguồn phạm vi 1 và 2 có dữ liệu.",
    ),
    "coverage-range": ("Coverage", "Độ phủ"),
    "coverage-range.about": (
        "Share of the time range that was measured, interpolated or substituted, and from when on. Below 1, the tonnes are too few.",
        "Phần khoảng thời gian đã được đo, nội suy hoặc thay thế, và kể từ khi nào. Dưới 1 thì tổng phát thải còn thiếu.",
    ),
    "budget-range": ("Of the budget", "So với ngân sách"),
    "budget-range.about": (
        "Used share of the year's budget that falls to the time range; unknown where none is configured. What is missing is not in it.",
        "Phần đã dùng của ngân sách năm tính theo khoảng thời gian; không rõ nếu không cấu hình. Phần thiếu không nằm trong số này.",
    ),
    "substituted-range": ("Substituted", "Thay thế"),
    "substituted-range.about": (
        "Share of the time range for which a stated rule put a number in place of missing data.",
        "Phần khoảng thời gian mà một quy tắc đã nêu đưa số vào chỗ dữ liệu thiếu.",
    ),
    "facilities": ("Facilities", "Các cơ sở"),
    "parks": ("All parks", "Mọi khu công nghiệp"),
    "top-emitters": ("Top emitters", "Nguồn phát thải lớn nhất"),
    "sources": ("Sources", "Các nguồn phát thải"),
    "reading": ("Readings", "Số đọc"),
    "concentration": ("Readings of flue gas", "Số đọc khí thải"),
    "limit": ("Values against the limits of rules", "Giá trị so với giới hạn của quy tắc"),
    "scope2": ("Scope 2 of facilities", "Phạm vi 2 của các cơ sở"),
    "channel-quality": ("What the readings are like", "Chất lượng số đọc"),
    "gaps": ("How it is known", "Mức độ rõ"),
    "gaps.about": (
        "Shares of the time range of each source, the largest gap first, and its silent channels.",
        "Tỷ lệ của khoảng thời gian của từng nguồn, khoảng thiếu lớn nhất trước, và các kênh im lặng.",
    ),
    "gateway-messages": ("Balance of gateways", "Cân đối của gateway"),
    "gateway-messages.about": (
        (
            "Messages and readings that came in the time range; each ends as exactly one of these. Quarantined: could not be decoded, or"
            " had a reading refused. An empty name is a topic that did not say which gateway."
        ),
        (
            "Bản tin và số đọc đến trong khoảng thời gian; mỗi cái kết thúc ở đúng một loại. Cách ly: không giải mã được hoặc có số đọc"
            " bị từ chối. Tên trống là chủ đề không cho biết gateway."
        ),
    ),
    # Sections
    "section.emissions": ("Emissions", "Phát thải"),
    "section.places": ("Facilities and sources", "Cơ sở và nguồn"),
    "section.alerts": ("Alerts", "Cảnh báo"),
    "section.parks": ("All parks", "Mọi khu công nghiệp"),
    "section.hours": ("By the hour", "Theo giờ"),
    "section.channels": ("Channels and alerts", "Kênh đo và cảnh báo"),
    "section.limits": ("Concentrations and limits", "Nồng độ và giới hạn"),
    "section.power": ("Power", "Công suất"),
    "section.energy": ("Energy", "Điện năng"),
    "section.messages": ("Messages", "Bản tin"),
    "section.readings": ("Readings", "Số đọc"),
    "section.refused": (
        "What does not count, and what may change",
        "Phần không được tính và có thể thay đổi",
    ),
    "section.history": ("Over time", "Theo thời gian"),
    "section.path": ("Path", "Lộ trình"),
    "section.present": ("Now", "Hiện tại"),
    "section.gateways": ("Gateways", "Gateway"),
    "section.machine": ("Machine", "Máy chủ"),
    "section.months": ("Months", "Các tháng"),
    "section.month": ("The chosen month", "Tháng đã chọn"),
    "section.papers": ("Papers", "Báo cáo"),
    "section.endpoints": ("Receivers", "Nơi nhận"),
    "section.amounts": ("Amounts", "Lượng nước"),
    "section.contents": ("What is in it", "Thành phần"),
    "section.clean": ("Clean electricity", "Điện sạch"),
    "section.bill": ("The month's bill", "Hóa đơn của tháng"),
    "section.battery": ("Batteries", "Pin lưu trữ"),
    "section.criteria": ("Criteria", "Tiêu chí"),
    "section.exchanges": ("Exchanges", "Trao đổi"),
    "section.round": ("Water and waste", "Nước và chất thải"),
    "section.restatements": ("Changes of published numbers", "Thay đổi của số đã công bố"),
    # Month end
    "month-end": ("Month end", "Cuối tháng"),
    "month-end.about": (
        "How the park's months stand, what keeps one from being final, what falls due, and what was issued.",
        "Tình trạng các tháng, điều gì khiến một tháng chưa chốt được, việc đến hạn và báo cáo đã phát hành.",
    ),
    "months": ("Months of the park", "Các tháng của khu công nghiệp"),
    "months.about": (
        "From open over provisional to final; a final month changes only by a restatement that somebody approves.",
        "Từ mở, tạm chốt đến chốt; tháng đã chốt chỉ thay đổi khi có người duyệt tính lại.",
    ),
    "month-items": ("What is to be done", "Việc cần làm"),
    "month-items.about": (
        "What keeps the chosen month from being final, or should be looked at before, and what to type.",
        "Điều khiến tháng đã chọn chưa chốt được hoặc cần xem trước, và lệnh cần gõ.",
    ),
    "duties": ("What falls due", "Việc đến hạn"),
    "duties.about": (
        "Duties by law after the chosen month; what of it is not certain is said.",
        "Nghĩa vụ theo quy định sau tháng đã chọn; phần chưa chắc chắn được nêu rõ.",
    ),
    "reports": ("Issued papers", "Báo cáo đã phát hành"),
    "reports.about": (
        "What was issued, for all parks; overtaken: a month was restated since, by so many tonnes.",
        "Báo cáo đã phát hành của mọi khu công nghiệp; overtaken: một tháng đã được tính lại sau đó, chênh bấy nhiêu tấn.",
    ),
    "as-issued": ("as issued", "như đã phát hành"),
    # Deliveries
    "deliveries": ("Deliveries", "Gửi cảnh báo"),
    "deliveries.about": (
        "How each webhook stands, what was tried, and what was given up.",
        "Tình trạng từng webhook, các lần gửi và những gì đã bỏ.",
    ),
    "endpoints": ("Webhooks", "Webhook"),
    "endpoints.about": (
        "Since the state was made. A disabled one answered 410 and gets nothing until a replay.",
        "Từ khi tạo trạng thái. Webhook bị tắt đã trả lời 410 và không nhận gì cho đến khi gửi lại.",
    ),
    "given-up": ("Given up", "Đã bỏ"),
    "given-up.about": (
        "Events that no attempt of three days delivered: stackmeter replay-webhooks --dead-only sends them again.",
        "Sự kiện không gửi được sau ba ngày: stackmeter replay-webhooks --dead-only gửi lại.",
    ),
    "attempts": ("The newest attempts", "Các lần gửi gần nhất"),
    "attempts.about": (
        "Each attempt with its answer, the newest first.",
        "Từng lần gửi và câu trả lời, mới nhất trước.",
    ),
    "attempts-over-time": ("Attempts", "Số lần gửi"),
    "attempts-over-time.about": (
        "Attempts that were taken, and that were not, by receiver.",
        "Số lần gửi thành công và không thành công, theo nơi nhận.",
    ),
    "webhooks-waiting": ("Webhooks that wait", "Webhook đang chờ"),
    "webhooks-waiting.about": (
        "Should return to 0 within minutes; what stays is tried again by the schedule.",
        "Phải trở về 0 trong vài phút; phần còn lại được gửi lại theo lịch.",
    ),
    "nothing-waits": ("nothing waits", "không có gì chờ"),
    "no-answer": ("no answer", "không trả lời"),
    # Water
    "water": ("Water", "Nước"),
    "water.about": (
        "Water that is taken in and let out, and what the wastewater is like.",
        "Lượng nước cấp và nước thải, cùng thành phần của nước thải.",
    ),
    "water-volume": ("Water and wastewater", "Nước và nước thải"),
    "water-volume.about": (
        "Volume in the time range, by meter: from the first to the last reading of each clock hour, so that what flows between them is left out.",
        "Thể tích trong khoảng thời gian, theo đồng hồ: từ số đọc đầu đến cuối của mỗi giờ, nên phần giữa hai giờ không được tính.",
    ),
    "water-per-hour": ("Volume per hour", "Thể tích theo giờ"),
    "water-per-hour.about": (
        "From the first to the last reading of each clock hour. An hour without readings has no bar.",
        "Từ số đọc đầu đến cuối của mỗi giờ. Giờ không có số đọc thì không có cột.",
    ),
    "water-flow": ("Flow", "Lưu lượng"),
    "water-flow.about": (
        "Readings of the channels of quantity water and wastewater that are no registers of volume, in their own units.",
        "Số đọc các kênh đại lượng water và wastewater không phải đồng hồ thể tích, theo đơn vị riêng.",
    ),
    "water-contents": ("Contents of wastewater", "Thành phần nước thải"),
    "water-contents.about": (
        "Acidity, oxygen demand and others, as far as there are channels, in their own units: see the table.",
        "Độ pH, nhu cầu oxy và các chỉ tiêu khác nếu có kênh đo, theo đơn vị riêng: xem bảng.",
    ),
    # Restatements
    "restatements": ("Restatements", "Tính lại"),
    "restatements.about": (
        "What changed of published numbers and why, what waits for approval, and what came too late to wake anybody.",
        "Số đã công bố thay đổi gì và vì sao, phần chờ duyệt, và phần đến quá muộn để cảnh báo.",
    ),
    "restated": ("Changed for another cause than readings", "Thay đổi vì lý do khác số đọc"),
    "restated.about": (
        "Rows of the ledger by approval, correction or regulation, the newest first.",
        "Các dòng sổ cái do duyệt, sửa hoặc theo quy định, mới nhất trước.",
    ),
    "waits-for-approval": ("What waits for approval", "Phần chờ duyệt"),
    "waits-for-approval.about": (
        "What late readings would change of a final month, until somebody approves it.",
        "Số đọc đến muộn sẽ thay đổi gì ở tháng đã chốt, cho đến khi có người duyệt.",
    ),
    "ledger": ("Ledger", "Sổ cái"),
    "ledger.about": (
        "The newest 200 changes of published numbers, each with the messages that brought it and the hash that binds it.",
        "200 thay đổi gần nhất của số đã công bố, kèm bản tin gây ra và mã băm ràng buộc.",
    ),
    "too-late": ("Breaches that came too late", "Vi phạm đến quá muộn"),
    "too-late.about": (
        "What would have been an alert, had its readings come in time. It wakes nobody.",
        "Những gì đáng lẽ là cảnh báo nếu số đọc đến kịp. Không báo cho ai.",
    ),
    # History of the service
    "ready-over-time": ("Ready", "Sẵn sàng"),
    "ready-over-time.about": (
        "1 while the service can do its work; a gap where Prometheus got no answer.",
        "1 khi dịch vụ hoạt động được; khoảng trống khi Prometheus không nhận được trả lời.",
    ),
    "waiting-over-time": ("What waits", "Đang chờ"),
    "waiting-over-time.about": (
        "Should return to 0 within seconds to minutes.",
        "Phải trở về 0 trong vài giây đến vài phút.",
    ),
    "messages-per-minute": ("Messages per minute", "Bản tin mỗi phút"),
    "messages-per-minute.about": (
        "Messages journalled, by when they came.",
        "Bản tin đã ghi nhật ký, theo thời điểm đến.",
    ),
    "times": ("Slow steps and answers", "Bước và trả lời chậm"),
    "times.about": (
        "The time that one in twenty exceeds, of the line's steps and of the API's answers.",
        "Thời gian mà một trong hai mươi lần vượt quá, của các bước xử lý và của câu trả lời API.",
    ),
    "line-steps": ("steps of the line", "bước xử lý"),
    "api-answers": ("answers of the API", "trả lời API"),
    "part-failures": ("Failures of parts", "Lỗi của các phần"),
    "part-failures.about": (
        "Parts of the service that failed and were started again.",
        "Các phần của dịch vụ bị lỗi và được khởi động lại.",
    ),
    "gateway-up": ("Online", "Trực tuyến"),
    "gateway-up.about": (
        "1 while a gateway's last word, or last will, is that it is online.",
        "1 khi lời cuối hoặc di chúc của gateway là trực tuyến.",
    ),
    "gateway-silence": ("Silent for", "Im lặng"),
    "gateway-silence.about": (
        "How long ago each gateway was last heard.",
        "Từng gateway được nghe lần cuối cách đây bao lâu.",
    ),
    "reading-age": ("Age of the newest reading", "Tuổi của số đọc mới nhất"),
    "reading-age.about": (
        "Of the channels of each gateway; none where it is older than a day or two.",
        "Của các kênh thuộc từng gateway; không có nếu cũ hơn một hai ngày.",
    ),
    "version": ("Version", "Phiên bản"),
    "version.about": ("Of Stackmeter and of Python.", "Của Stackmeter và Python."),
    "disk-full": ("Until the disk is full", "Đến khi đầy đĩa"),
    "disk-full.about": (
        "At the rate of the last week; unknown in the first day.",
        "Theo tốc độ tuần qua; không rõ trong ngày đầu.",
    ),
    "memory": ("Memory", "Bộ nhớ"),
    "memory.about": ("Resident memory of the process.", "Bộ nhớ mà tiến trình đang dùng."),
    "processor": ("Processor", "Bộ xử lý"),
    "processor.about": ("Cores in use.", "Số lõi đang dùng."),
    # Graphs
    "hourly-by-facility": ("Emissions per hour by facility", "Phát thải theo giờ của từng cơ sở"),
    "hourly-by-facility.about": (
        (
            "Tonnes in each clock hour under the configured GWP set. The running hour grows until it is over; an hour of"
            " which nothing is known has no bar."
        ),
        (
            "Lượng phát thải trong từng giờ theo bộ GWP đã cấu hình. Giờ đang chạy tăng dần đến khi kết thúc; giờ không rõ thì"
            " không có cột."
        ),
    ),
    "hourly-by-source": ("Emissions per hour by source", "Phát thải theo giờ của từng nguồn"),
    "hourly-by-source.about": (
        "Tonnes of each source in each clock hour. An hour of which nothing is known has no bar.",
        "Lượng phát thải của từng nguồn trong từng giờ. Giờ không rõ thì không có cột.",
    ),
    "coverage-by-facility": ("Coverage by facility", "Độ phủ theo cơ sở"),
    "coverage-by-facility.about": (
        "Share of the time of a facility's sources that is known; their plain mean.",
        "Phần thời gian có dữ liệu của các nguồn thuộc cơ sở; trung bình cộng.",
    ),
    "coverage-by-source": ("Coverage by source", "Độ phủ theo nguồn"),
    "coverage-by-source.about": (
        "Share of the time of each source that is known: that of its least covered input.",
        "Phần thời gian có dữ liệu của từng nguồn: bằng đầu vào có độ phủ thấp nhất.",
    ),
    "gases": ("Gases per hour", "Các khí theo giờ"),
    "gases.about": (
        (
            "Kilograms of each gas in each clock hour. Biogenic CO2 is not part of CO2e; a factor that is given as CO2e only"
            " has no kilograms of a gas."
        ),
        (
            "Khối lượng từng khí trong từng giờ. CO2 sinh học không tính vào CO2e; hệ số chỉ cho CO2e thì không có khối lượng"
            " từng khí."
        ),
    ),
    "reading.about": (
        "Mean of the channel's readings, whatever their quality says, in the channel's own unit: see the table of channels.",
        "Trung bình số đọc của kênh, bất kể chất lượng, theo đơn vị riêng của kênh: xem bảng các kênh đo.",
    ),
    "mass": ("Fossil CO2 per hour", "CO2 hóa thạch theo giờ"),
    "mass.about": (
        "Kilograms of fossil CO2 of the source in each clock hour. An hour of which nothing is known has no bar.",
        "Khối lượng CO2 hóa thạch của nguồn trong từng giờ. Giờ không rõ thì không có cột.",
    ),
    "shares": ("Coverage and substitution", "Độ phủ và thay thế"),
    "shares.about": (
        "Share of the source's time that is known, and share that a rule substituted.",
        "Phần thời gian có dữ liệu của nguồn và phần được thay thế theo quy tắc.",
    ),
    "concentration.about": (
        "Mean of the readings that count, in the channel's own unit. Gaps stay gaps.",
        "Trung bình các số đọc được tính, theo đơn vị riêng của kênh. Khoảng trống vẫn là khoảng trống.",
    ),
    "limit.about": (
        "What the rule judged when it began or ceased to fire, and the limit that held at that time, in the rule's unit.",
        "Giá trị mà quy tắc xét khi bắt đầu hoặc ngừng cảnh báo, và ngưỡng có hiệu lực lúc đó, theo đơn vị của quy tắc.",
    ),
    "regulated": ("Hours that a regulation counts, this month", "Giờ tính theo quy định, tháng này"),
    "regulated.about": (
        (
            "Hours of the facility's regulated sources: valid, substituted, pending, unknown. The regulated number stands"
            " beside the live one of the same hours."
        ),
        (
            "Số giờ của các nguồn chịu quy định: hợp lệ, thay thế, đang chờ, không rõ. Số theo quy định đứng cạnh số trực tiếp"
            " của cùng các giờ."
        ),
    ),
    "grid-energy": ("Energy from the grid", "Điện năng từ lưới"),
    "grid-energy.about": (
        "Drawn from the grid in the chosen time, by source, of the time that is known.",
        "Lấy từ lưới trong khoảng thời gian đã chọn, theo nguồn, trong phần thời gian có dữ liệu.",
    ),
    "grid-coverage": ("Coverage of the grid meters", "Độ phủ của công tơ lưới"),
    "grid-coverage.about": (
        "Share of the chosen time over which the energy from the grid is known.",
        "Phần khoảng thời gian đã chọn có dữ liệu điện năng từ lưới.",
    ),
    "demand": ("Demand, quarter hours", "Nhu cầu, theo 15 phút"),
    "demand.about": (
        "Mean power from the grid in each quarter of an hour. The running quarter is too low until it is over.",
        "Công suất trung bình từ lưới trong mỗi 15 phút. Khoảng đang chạy thấp hơn thực tế cho đến khi kết thúc.",
    ),
    "energy-per-hour": ("Energy per hour", "Điện năng theo giờ"),
    "energy-per-hour.about": (
        "Energy from the grid in each clock hour, by source.",
        "Điện năng từ lưới trong từng giờ, theo nguồn.",
    ),
    "load": ("Load", "Phụ tải"),
    "load.about": (
        "Readings of the channels of quantity electricity whose name ends in active_power.",
        "Số đọc các kênh đại lượng electricity có tên kết thúc bằng active_power.",
    ),
    "solar": ("Solar power", "Điện mặt trời"),
    "solar.about": (
        "Readings of the channels of quantity solar whose name ends in active_power.",
        "Số đọc các kênh đại lượng solar có tên kết thúc bằng active_power.",
    ),
    "intensity": ("Intensity of grid electricity", "Cường độ phát thải của điện lưới"),
    "intensity.about": (
        "Kilograms of CO2e for a kilowatt-hour from the grid: the factor in force.",
        "Số kilôgam CO2e cho một kilôwatt giờ điện lưới: hệ số đang có hiệu lực.",
    ),
    "scope2.about": (
        "By location and by market, and how many megawatt-hours certificates cover.",
        "Theo vị trí và theo thị trường, cùng số megawatt giờ được chứng chỉ chi trả.",
    ),
    "fired": ("Alerts that fired", "Cảnh báo đã phát"),
    "fired.about": (
        "How many began in the chosen time, by severity. Nothing at all is shown as unknown.",
        "Số cảnh báo bắt đầu trong khoảng thời gian đã chọn, theo mức độ. Không có gì thì hiện không rõ.",
    ),
    "open-and-on-call": ("Open alerts and who has them", "Cảnh báo đang mở và người xử lý"),
    "open-and-on-call.about": (
        "What fires, who acknowledged it, whom it is assigned to, and what keeps it from being told.",
        "Cảnh báo đang phát, ai đã nhận, giao cho ai, và điều gì khiến nó không được báo.",
    ),
    "groups": ("As receivers are told", "Theo nhóm người nhận"),
    "groups.about": (
        "Open alerts in the groups in which receivers are told of them, through the Alertmanager interface.",
        "Cảnh báo đang mở theo nhóm mà người nhận được báo, qua giao diện Alertmanager.",
    ),
    "silences": ("Silences", "Tắt tiếng"),
    "silences.about": (
        "What people keep from being told, and until when.",
        "Những cảnh báo được tạm không báo, và đến khi nào.",
    ),
    "transitions": ("Alerts that fire and resolve", "Cảnh báo phát và kết thúc"),
    "transitions.about": (
        "1 where an alert began to fire, 0 where it was over. Points are changes; between them nothing changed.",
        "1 khi cảnh báo bắt đầu, 0 khi kết thúc. Mỗi điểm là một thay đổi; giữa các điểm không có thay đổi.",
    ),
    "resolved-alerts": ("Resolved alerts", "Cảnh báo đã kết thúc"),
    "resolved-alerts.about": (
        "The newest hundred that are over, how long they fired, and who took care of them.",
        "Một trăm cảnh báo đã kết thúc gần nhất, thời gian phát và người xử lý.",
    ),
    "gateways": ("Gateways of the facility", "Gateway của cơ sở"),
    "gateways.about": (
        "Whether each is online, when it was heard, how far its clock is off, and how many messages are missing.",
        "Từng gateway có trực tuyến không, nghe được lúc nào, lệch giờ bao nhiêu và thiếu bao nhiêu bản tin.",
    ),
    "readings-per-minute": ("Readings per minute", "Số đọc mỗi phút"),
    "readings-per-minute.about": (
        "Readings of the facility by the time they were read at. A minute without any has no point.",
        "Số đọc của cơ sở theo thời điểm đọc. Phút không có số đọc thì không có điểm.",
    ),
    "uncounted": ("Readings that do not count, per hour", "Số đọc không được tính, theo giờ"),
    "uncounted.about": (
        "Readings of quality bad, calibrating or fault: kept and shown, and to the windows as if absent.",
        "Số đọc chất lượng bad, calibrating hoặc fault: được lưu và hiển thị, nhưng coi như không có.",
    ),
    "ready": ("Ready", "Sẵn sàng"),
    "ready.about": (
        "Whether the service can do its work, why not, and what it works without.",
        "Dịch vụ có hoạt động được không, vì sao không, và đang thiếu thành phần nào.",
    ),
    "state": ("State", "Trạng thái"),
    "state.about": (
        "Gauges and counters of the service since its start.",
        "Các chỉ số và bộ đếm của dịch vụ từ khi khởi động.",
    ),
    "waiting": ("What waits", "Đang chờ"),
    "waiting.about": (
        "Should return to 0 within seconds to minutes. What grows has a reason: see the degradations.",
        "Phải trở về 0 trong vài giây đến vài phút. Số tăng mãi là có nguyên nhân: xem mục suy giảm.",
    ),
    "trouble": ("Trouble", "Sự cố"),
    "trouble.about": (
        "Should be 0.",
        "Phải bằng 0.",
    ),
    "points": ("Readings in InfluxDB per minute", "Số đọc trong InfluxDB mỗi phút"),
    "points.about": (
        "Readings of all parks by the time they were read at: where the line ends, InfluxDB knows no more.",
        "Số đọc của mọi khu công nghiệp theo thời điểm đọc: đường dừng ở đâu thì InfluxDB chỉ biết đến đó.",
    ),
    "revisions": ("Highest revision", "Lần sửa cao nhất"),
    "revisions.about": (
        (
            "How often the most changed window of each park was published. A window changes while its readings come; a"
            " restated one changes again."
        ),
        "Số lần công bố của khoảng tính thay đổi nhiều nhất. Khoảng tính thay đổi khi số đọc đến; khoảng tính tính lại thay đổi thêm.",
    ),
    "annotation.restatements": ("Restatements", "Tính lại"),
    "roadmap": ("Net-zero roadmap", "Lộ trình phát thải ròng bằng không"),
    "roadmap.about": (
        "The path of a park from its base year, this year's budget, and how fast it is used up.",
        "Lộ trình của khu công nghiệp từ năm cơ sở, ngân sách năm nay và tốc độ sử dụng.",
    ),
    "budget-year": ("This year's budget", "Ngân sách năm nay"),
    "budget-year.about": (
        "What the park may emit this year; unknown where none is configured.",
        "Lượng khu công nghiệp được phát thải năm nay; không rõ nếu không cấu hình.",
    ),
    "budget-used-year": ("Of the year's budget", "So với ngân sách năm"),
    "budget-used-year.about": (
        "Share of the whole year's budget that is used so far.",
        "Phần ngân sách cả năm đã dùng đến nay.",
    ),
    "path": ("Path to net zero", "Đường đến phát thải ròng bằng không"),
    "path.about": (
        "Target, budget, tonnes so far and projection of each year. The present year is projected only where it is well covered.",
        "Mục tiêu, ngân sách, phát thải đến nay và dự báo từng năm. Năm nay chỉ được dự báo khi độ phủ tốt.",
    ),
    "path-table": ("Years", "Các năm"),
    "path-table.about": (
        "The same with where each number comes from, and why a year is not projected.",
        "Như trên, kèm nguồn gốc của từng số và lý do một năm không được dự báo.",
    ),
    "burn": ("Used up since the start of the time range", "Đã dùng từ đầu khoảng thời gian"),
    "burn.about": (
        "Running sum of the park's known tonnes by day; the dashboard begins with the year.",
        "Tổng cộng dồn lượng phát thải có dữ liệu theo ngày; bảng bắt đầu từ đầu năm.",
    ),
    "daily": ("Emissions per day", "Phát thải theo ngày"),
    "daily.about": (
        "Tonnes of each day on the clock of the dashboard. A day of which nothing is known has no bar.",
        "Lượng phát thải từng ngày theo giờ của bảng. Ngày không rõ thì không có cột.",
    ),
    "budgets": ("Budgets of the facilities, this year", "Ngân sách của các cơ sở, năm nay"),
    "budgets.about": (
        "What each facility has used of what it may emit; unknown where none is configured.",
        "Phần mỗi cơ sở đã dùng trong lượng được phát thải; không rõ nếu không cấu hình.",
    ),
    "channel-quality.about": (
        "What the readings of the facility's channels are like: how many count, how many do not, and the gaps.",
        "Chất lượng số đọc của các kênh thuộc cơ sở: số được tính, số không được tính và các khoảng trống.",
    ),
    "quarantine": ("Why messages were refused", "Vì sao bản tin bị từ chối"),
    "quarantine.about": (
        "Refused messages that are kept, by code, gateway and place in the payload.",
        "Các bản tin bị từ chối còn lưu, theo mã, gateway và vị trí trong nội dung.",
    ),
    "provisional-factors": ("Provisional factors", "Hệ số tạm thời"),
    "provisional-factors.about": (
        "Factors whose number may still change, and the sources whose tonnes rest on them.",
        "Hệ số còn có thể thay đổi và các nguồn dùng chúng.",
    ),
    # Columns
    "col.park": ("Park", "Khu công nghiệp"),
    "col.facility": ("Facility", "Cơ sở"),
    "col.source": ("Source", "Nguồn"),
    "col.channel": ("Channel", "Kênh"),
    "col.gateway": ("Gateway", "Gateway"),
    "col.rule": ("Rule", "Quy tắc"),
    "col.scope": ("Scope", "Phạm vi"),
    "col.method": ("Method", "Phương pháp"),
    "col.title": ("Title", "Tên gọi"),
    "col.activity": ("Activity", "Mức hoạt động"),
    "col.activity_unit": ("Unit of activity", "Đơn vị hoạt động"),
    "col.now_t_per_h": ("Now", "Hiện tại"),
    "col.co2e_t": ("Emissions", "Phát thải"),
    "col.live_co2e_t": ("Live number", "Số trực tiếp"),
    "col.difference_t": ("Difference", "Chênh lệch"),
    "col.coverage": ("Coverage", "Độ phủ"),
    "col.substituted": ("Substituted", "Thay thế"),
    "col.shares.measured": ("Measured", "Đo được"),
    "col.shares.interpolated": ("Interpolated", "Nội suy"),
    "col.shares.substituted": ("Substituted", "Thay thế"),
    "col.shares.missing": ("Missing", "Thiếu"),
    "col.stale": ("Silent channels", "Kênh im lặng"),
    "col.worst_source": ("Least covered source", "Nguồn có độ phủ thấp nhất"),
    "col.now_unknown.#": ("Sources unknown now", "Nguồn hiện không rõ"),
    "col.known_from": ("Known from", "Có dữ liệu từ"),
    "col.unheard.#": ("Sources without data", "Nguồn chưa có dữ liệu"),
    "col.complete_until": ("Complete until", "Đầy đủ đến"),
    "col.co2_kg": ("Fossil CO2", "CO2 hóa thạch"),
    "col.co2_biogenic_kg": ("Biogenic CO2", "CO2 sinh học"),
    "col.ch4_kg": ("CH4", "CH4"),
    "col.n2o_kg": ("N2O", "N2O"),
    "col.severity": ("Severity", "Mức độ"),
    "col.status": ("Status", "Tình trạng"),
    "col.labels.facility": ("Facility", "Cơ sở"),
    "col.summary": ("Summary", "Tóm tắt"),
    "col.value": ("Value", "Giá trị"),
    "col.limit": ("Limit", "Giới hạn"),
    "col.unit": ("Unit", "Đơn vị"),
    "col.started_at": ("Since", "Từ lúc"),
    "col.ended_at": ("Ended", "Kết thúc"),
    "col.duration_s": ("Lasted", "Kéo dài"),
    "col.acknowledged_by": ("Acknowledged by", "Người nhận"),
    "col.assigned_to": ("Assigned to", "Giao cho"),
    "col.snoozed_until": ("Snoozed until", "Tạm hoãn đến"),
    "col.muted_by": ("Kept from being told by", "Không báo do"),
    "col.match": ("Matches", "Điều kiện"),
    "col.start": ("From", "Từ"),
    "col.until": ("Until", "Đến"),
    "col.by": ("By", "Người đặt"),
    "col.comment": ("Comment", "Ghi chú"),
    "col.scope2.location_t": ("By location", "Theo vị trí"),
    "col.scope2.market_t": ("By market", "Theo thị trường"),
    "col.scope2.matched_mwh": ("Covered by certificates", "Có chứng chỉ"),
    "col.scope2.unmatched_mwh": ("Not covered", "Không có chứng chỉ"),
    "col.hours": ("Hours", "Số giờ"),
    "col.valid": ("Valid", "Hợp lệ"),
    "col.pending": ("Pending", "Đang chờ"),
    "col.unknown": ("Unknown", "Không rõ"),
    "col.not_operating": ("Not operating", "Không vận hành"),
    "col.readings": ("Readings", "Số đọc"),
    "col.messages.received": ("Messages", "Bản tin"),
    "col.messages.accepted": ("accepted", "chấp nhận"),
    "col.messages.late": ("late", "trễ"),
    "col.messages.duplicate": ("duplicate", "trùng"),
    "col.messages.quarantined": ("quarantined", "cách ly"),
    "col.messages.rejected": ("rejected", "từ chối"),
    "col.readings.received": ("Readings", "Số đọc"),
    "col.readings.accepted": ("readings accepted", "số đọc chấp nhận"),
    "col.readings.late": ("readings late", "số đọc trễ"),
    "col.readings.duplicate": ("readings duplicate", "số đọc trùng"),
    "col.readings.quarantined": ("readings quarantined", "số đọc cách ly"),
    "col.readings.rejected": ("readings rejected", "số đọc từ chối"),
    "col.ready": ("Ready", "Sẵn sàng"),
    "col.reasons": ("Why not", "Vì sao không"),
    "col.degradations": ("Works without", "Suy giảm"),
    "col.metric": ("What", "Chỉ số"),
    "col.budget_t": ("Budget", "Ngân sách"),
    "col.budget_used_share": ("Used", "Đã dùng"),
    "col.coordinates.lat": ("Latitude", "Vĩ độ"),
    "col.coordinates.lon": ("Longitude", "Kinh độ"),
    "col.sources": ("Sources", "Nguồn"),
    "col.channels": ("Channels", "Kênh"),
    "col.quantity": ("Quantity", "Đại lượng"),
    "col.kind": ("Kind", "Loại"),
    "col.latest.value": ("Newest reading", "Số đọc mới nhất"),
    "col.latest.quality": ("Quality", "Chất lượng"),
    "col.latest.time": ("Read at", "Đọc lúc"),
    "col.latest.age_s": ("Age", "Tuổi"),
    "col.online": ("Online", "Trực tuyến"),
    "col.heard_at": ("Heard at", "Nghe được lúc"),
    "col.silence_s": ("Silent for", "Im lặng"),
    "col.lag_s": ("Lag", "Trễ"),
    "col.clock_skew_s": ("Clock is behind by", "Đồng hồ chậm"),
    "col.source_class": ("Class", "Hạng"),
    "col.code": ("Code", "Mã"),
    "col.outcome": ("Outcome", "Kết quả"),
    "col.path": ("Where", "Vị trí"),
    "col.count": ("Messages", "Bản tin"),
    "col.last_at": ("Last", "Lần cuối"),
    "col.sample.detail": ("Example", "Ví dụ"),
    "col.uncounted": ("Not counted", "Không được tính"),
    "col.outliers": ("Outliers", "Ngoại lai"),
    "col.anomalies": ("Anomalies", "Bất thường"),
    "col.conflicts": ("Conflicts", "Xung đột"),
    "col.gaps": ("Gaps", "Khoảng trống"),
    "col.longest_gap.duration_s": ("Longest gap", "Khoảng trống dài nhất"),
    "col.factor": ("Factor", "Hệ số"),
    "col.row": ("Row", "Dòng"),
    "col.valid_from": ("From", "Từ"),
    "col.used_by": ("Used by", "Dùng bởi"),
    "col.year": ("Year", "Năm"),
    "col.target_t": ("Target", "Mục tiêu"),
    "col.target_source": ("Target from", "Nguồn mục tiêu"),
    "col.target_provisional": ("Provisional", "Tạm thời"),
    "col.budget_source": ("Budget from", "Nguồn ngân sách"),
    "col.actual_t": ("So far", "Đến nay"),
    "col.projected_t": ("Projected", "Dự báo"),
    "col.projection": ("Projection", "Cách dự báo"),
    "col.month": ("Month", "Tháng"),
    "col.reported_t": ("Published", "Đã công bố"),
    "col.provisional_share": ("On provisional factors", "Theo hệ số tạm thời"),
    "col.closed_by": ("Closed by", "Người chốt"),
    "col.despite": ("Despite", "Mặc dù"),
    "col.stops": ("Keeps it open", "Chưa chốt được"),
    "col.about": ("About", "Về"),
    "col.detail": ("Detail", "Chi tiết"),
    "col.command": ("Type", "Gõ lệnh"),
    "col.due": ("Due", "Hạn"),
    "col.form": ("Form", "Mẫu"),
    "col.mark": ("Seen by", "Nhận biết bởi"),
    "col.unsure": ("Not certain", "Chưa chắc chắn"),
    "col.number": ("Number", "Số"),
    "col.revision": ("Revision", "Lần sửa"),
    "col.periods": ("Of", "Kỳ"),
    "col.language": ("Language", "Ngôn ngữ"),
    "col.issued_at": ("Issued", "Phát hành"),
    "col.issued_by": ("By", "Bởi"),
    "col.overtaken_t": ("Overtaken by", "Chênh lệch"),
    "col.endpoint": ("Receiver", "Nơi nhận"),
    "col.configured": ("Configured", "Có cấu hình"),
    "col.waiting": ("Waiting", "Đang chờ"),
    "col.oldest_s": ("The oldest for", "Cũ nhất"),
    "col.delivered": ("delivered", "đã gửi"),
    "col.failed": ("failed", "không gửi được"),
    "col.dead": ("Given up", "Đã bỏ"),
    "col.disabled": ("Disabled", "Bị tắt"),
    "col.last_error": ("Latest error", "Lỗi gần nhất"),
    "col.last_delivered": ("Delivered last", "Gửi lần cuối"),
    "col.at": ("At", "Lúc"),
    "col.error": ("Error", "Lỗi"),
    "col.took_ms": ("Took", "Mất"),
    "col.event": ("Event", "Sự kiện"),
    "col.alert": ("Alert", "Cảnh báo"),
    "col.created": ("Made", "Tạo lúc"),
    "col.attempts": ("Attempts", "Số lần gửi"),
    "col.cause": ("Cause", "Nguyên nhân"),
    "col.author": ("Author", "Người thực hiện"),
    "col.co2e_t_delta": ("Change", "Thay đổi"),
    "col.changes": ("Windows", "Khoảng tính"),
    "col.journal.from": ("Messages from", "Bản tin từ"),
    "col.journal.to": ("to", "đến"),
    "col.configuration": ("Configuration", "Cấu hình"),
    "col.hash": ("Hash", "Mã băm"),
    "col.pending_restatement.reported_t": ("Published", "Đã công bố"),
    "col.pending_restatement.current_t": ("As it is known now", "Theo dữ liệu hiện nay"),
    "col.pending_restatement.delta_t": ("Change", "Thay đổi"),
    "col.pending_restatement.needs_second": ("Two must approve", "Cần hai người duyệt"),
    "col.pending_restatement.approved_by": ("Approved by", "Người duyệt"),
    "col.known_at": ("Known at", "Biết lúc"),
    "col.first": ("First", "Đầu tiên"),
    "col.last": ("Last", "Cuối cùng"),
    "col.worst": ("Worst", "Tệ nhất"),
    "col.hourly_share": ("Clean in its own hour", "Sạch đúng trong giờ dùng"),
    "col.annual_share": ("Clean over the year", "Sạch tính cả năm"),
    "col.load_mwh": ("Consumed", "Tiêu thụ"),
    "col.clean_mwh": ("Clean", "Điện sạch"),
    "col.known_hours": ("Known hours", "Số giờ có dữ liệu"),
    "col.generation.self_consumed_mwh": ("Used here", "Dùng tại chỗ"),
    "col.generation.exported_mwh": ("Exported", "Bán ra lưới"),
    "col.generation.avoided_by_self_consumption_t": ("Avoided by own use", "Tránh được nhờ tự dùng"),
    "col.generation.avoided_by_export_t": ("Avoided by export", "Tránh được nhờ bán ra"),
    "col.tariff": ("Tariff", "Biểu giá"),
    "col.whole.kwh": ("Energy", "Điện năng"),
    "col.whole.coverage": ("Coverage", "Độ phủ"),
    "col.whole.average_per_kwh": ("A kWh on average", "Đơn giá trung bình mỗi kWh"),
    "col.whole.energy_charge": ("Energy charge", "Tiền điện"),
    "col.reactive.charge": ("Reactive charge", "Tiền điện phản kháng"),
    "col.total": ("Total with tax", "Tổng gồm thuế"),
    "col.currency": ("Currency", "Tiền tệ"),
    "col.provisional": ("On provisional rows", "Theo dòng tạm thời"),
    "col.whole.peak_kw": ("Peak", "Công suất đỉnh"),
    "col.whole.peak_at": ("Peak at", "Đỉnh lúc"),
    "col.reactive.cos_phi": ("cos φ", "cos φ"),
    "col.whole.co2e_t": ("Emissions", "Phát thải"),
    "col.day": ("Day", "Ngày"),
    "col.load_kwh": ("Expected load", "Phụ tải dự kiến"),
    "col.charged_kwh": ("Charge", "Nạp"),
    "col.discharged_kwh": ("Discharge", "Xả"),
    "col.saved": ("Saves", "Tiết kiệm"),
    "col.extra_t": ("Costs", "Thêm"),
    "col.why": ("Why not", "Vì sao không"),
    "col.tank.coverage": ("Coverage", "Độ phủ"),
    "col.tank.charged_kwh": ("Charged", "Đã nạp"),
    "col.tank.drawn_kwh": ("Drawn", "Đã xả"),
    "col.tank.in_t": ("In", "Vào"),
    "col.tank.drawn_t": ("With what was drawn", "Theo phần đã xả"),
    "col.tank.lost_t": ("Lost", "Tổn thất"),
    "col.tank.stored_t": ("Still in it", "Còn trong pin"),
    "col.sent.facility": ("Sent by", "Bên giao"),
    "col.sent.amount": ("Sent", "Lượng giao"),
    "col.received.facility": ("Received by", "Bên nhận"),
    "col.received.amount": ("Received", "Lượng nhận"),
    "col.share": ("Difference", "Chênh lệch"),
    "col.tolerance": ("Tolerance", "Dung sai"),
    "col.is_imbalance": ("The sides differ", "Hai phía lệch nhau"),
    "col.reason": ("Why unknown", "Vì sao không rõ"),
    "col.avoided.reference": ("In place of", "Thay cho"),
    "col.avoided.amount": ("Amount", "Lượng"),
    "col.avoided.unit": ("Unit", "Đơn vị"),
    "col.avoided.avoided_t": ("Avoided", "Tránh được"),
    "col.avoided.source": ("Source", "Nguồn dữ liệu"),
    "col.water.reuse_share": ("Reuse", "Tái sử dụng"),
    "col.water.circulation_share": ("Circulation", "Tuần hoàn"),
    "col.water.fresh_m3": ("Fresh", "Nước sạch"),
    "col.water.inflow_m3": ("Wastewater in", "Nước thải vào"),
    "col.water.reused_m3": ("Reused", "Nước tái sử dụng"),
    "col.load.cod_removed_kg": ("COD removed", "COD đã xử lý"),
    "col.waste.total_t": ("All waste", "Tổng chất thải"),
    "col.waste.diverted_share": ("Diverted", "Không phải thải bỏ"),
    "col.waste.with_energy_share": ("With energy", "Kể cả năng lượng"),
    "col.waste.landfill_share": ("To landfill", "Chôn lấp"),
    "col.waste.coverage": ("Coverage", "Độ phủ"),
    "col.criterion": ("Criterion", "Tiêu chí"),
    "col.verdict": ("Verdict", "Kết quả"),
    "col.threshold": ("At least", "Ít nhất"),
    # Values
    "value.firing": ("firing", "đang phát"),
    "value.acknowledged": ("acknowledged", "đã nhận"),
    "value.silenced": ("silenced", "tắt tiếng"),
    "value.inhibited": ("inhibited", "bị che"),
    "value.resolved": ("resolved", "đã kết thúc"),
    "value.open": ("open", "mở"),
    "value.provisional": ("provisional", "tạm chốt"),
    "value.final": ("final", "đã chốt"),
    "value.restated": ("restated", "tính lại"),
    "value.met": ("met", "đạt"),
    "value.not_met": ("not met", "chưa đạt"),
    "value.unknown": ("unknown", "không rõ"),
    "value.recp": ("firms that produce cleaner", "doanh nghiệp sản xuất sạch hơn"),
    "value.links": ("links of symbiosis", "liên kết cộng sinh"),
    "value.linked_firms": ("firms in links", "doanh nghiệp trong liên kết"),
    "value.land": ("green land and infrastructure", "đất cây xanh và hạ tầng"),
    "value.info": ("info", "thông tin"),
    "value.warning": ("warning", "cảnh báo"),
    "value.critical": ("critical", "nghiêm trọng"),
    # Metrics
    "metric.stackmeter_ready": ("Ready (1 = yes)", "Sẵn sàng (1 = có)"),
    "metric.stackmeter_broker_connected": ("Broker connected (1 = yes)", "Đã kết nối broker (1 = có)"),
    "metric.stackmeter_broker_connections_total": ("Connections made to the broker", "Số lần kết nối broker"),
    "metric.stackmeter_journal_messages_total": ("Messages journalled", "Bản tin đã ghi nhật ký"),
    "metric.stackmeter_influx_points_total": ("Points sent to InfluxDB", "Điểm đã gửi InfluxDB"),
    "metric.stackmeter_journal_backlog": ("Messages not yet in the state", "Bản tin chưa vào trạng thái"),
    "metric.stackmeter_influx_waiting_readings": ("Readings that wait for InfluxDB", "Số đọc chờ InfluxDB"),
    "metric.stackmeter_influx_waiting_emissions": (
        "Source hours that wait for InfluxDB",
        "Giờ nguồn chờ InfluxDB",
    ),
    "metric.stackmeter_webhooks_waiting": ("Webhooks not delivered yet", "Webhook chưa gửi"),
    "metric.stackmeter_channel_conflicts": ("Channels with two meters", "Kênh có hai đồng hồ"),
    "metric.stackmeter_intake_paused": ("Intake paused (1 = yes)", "Tạm dừng nhận (1 = có)"),
    "metric.stackmeter_influx_refused_total": ("Points that InfluxDB refused", "Điểm InfluxDB từ chối"),
    "metric.stackmeter_qos0_dropped_total": ("QoS 0 messages dropped", "Bản tin QoS 0 bị bỏ"),
    "metric.stackmeter_broker_sessions_lost_total": ("Broker sessions lost", "Phiên broker bị mất"),
}
