"""What messages in chat and mail say, in Vietnamese and in English; docs/messages.md shows each kind of message."""

from collections.abc import Mapping

from plant.languages import Language

Words = Mapping[str, str]

WORDS: Mapping[Language, Words] = {
    "vi": {
        "repeat": "NHẮC LẠI LẦN {}", "escalated": "CHUYỂN CẤP", "resolved": "ĐÃ HẾT",
        "critical": "Nghiêm trọng", "warning": "Cảnh báo", "info": "Thông tin",
        "where": "Ở đâu", "value": "Giá trị", "last_value": "Giá trị lúc hết", "since": "Từ lúc", "until": "Đến lúc",
        "lasted": "Kéo dài", "first": "Việc cần làm trước", "rule": "Quy tắc", "link": "Nhận xử lý hoặc tạm hoãn",
        "unknown": "không rõ", "unheeded": "Đã kéo dài {}, chưa ai nhận xử lý.",
        "others": "Và {} cảnh báo khác:", "more": "… và {} cảnh báo nữa", "over": "đã hết sau {}", "from": "từ {}",
        "covered": "Kèm {} cảnh báo cùng nguyên nhân, không báo riêng",
    },
    "en": {
        "repeat": "REMINDER {}", "escalated": "ESCALATED", "resolved": "RESOLVED",
        "critical": "Critical", "warning": "Warning", "info": "Info",
        "where": "Where", "value": "Value", "last_value": "Value at the end", "since": "Since", "until": "Until",
        "lasted": "Lasted", "first": "What to do first", "rule": "Rule", "link": "Acknowledge or snooze",
        "unknown": "unknown", "unheeded": "It has lasted {}, and nobody has acknowledged it.",
        "others": "And {} more:", "more": "… and {} more", "over": "over after {}", "from": "since {}",
        "covered": "With {} alerts of the same cause, not told on their own",
    },
}  # fmt: skip
