"""Why a plan, a measure, a bridge or an advice does not say more, in words of both languages; its codes stay as they are."""

from collections.abc import Mapping

from plant.languages import Language

_WORDS: Mapping[str, tuple[str, str]] = {  # English, Vietnamese
    # measures
    "nothing_measures_it": (
        "nothing measures it: give it an effect",
        "không có gì đo hiệu quả: hãy khai báo effect",
    ),
    "not_started": ("it has not started yet", "biện pháp chưa bắt đầu"),
    "no_step_is_over": (
        "none of its steps in this year is over",
        "trong năm này chưa có bước nào kết thúc",
    ),
    "nothing_known": (
        "after its start nothing is known of the energy or a driver",
        "sau khi bắt đầu không có dữ liệu về năng lượng hoặc yếu tố ảnh hưởng",
    ),
    "steps_left_out": (
        "steps of which less than 99 % is known are left out",
        "các bước có độ phủ dưới 99 % không được tính",
    ),
    "outside_the_baseline": (
        "a driver lay outside the range that the baseline has seen",
        "một yếu tố ảnh hưởng nằm ngoài khoảng của đường cơ sở",
    ),
    "interval_holds_zero": (
        "the interval holds 0: what was saved may be chance",
        "khoảng tin cậy chứa 0: phần tiết kiệm có thể là ngẫu nhiên",
    ),
    "no_factor": (
        "no tonnes are told: no factor is named or known",
        "không tính được số tấn: không có hệ số",
    ),
    "too_few_steps": ("the baseline has too few known steps", "đường cơ sở có quá ít bước có dữ liệu"),
    "constant_driver": (
        "a driver does not vary in the baseline: leave it out",
        "một yếu tố ảnh hưởng không đổi trong đường cơ sở: hãy bỏ nó",
    ),
    "collinear_drivers": (
        "a driver follows from the others: leave it out",
        "một yếu tố ảnh hưởng suy ra được từ các yếu tố khác: hãy bỏ nó",
    ),
    "cv_rmse_above_limit": (
        "the baseline scatters more than its limit allows: CV(RMSE)",
        "đường cơ sở phân tán quá giới hạn: CV(RMSE)",
    ),
    "driver_not_significant": (
        "a driver does not move the energy clearly: its t is too small",
        "một yếu tố không ảnh hưởng rõ đến năng lượng: t quá nhỏ",
    ),
    # projections
    "seasonal": (
        "by the months of the last year, with its interval",
        "theo các tháng của năm trước, có khoảng tin cậy",
    ),
    "linear": (
        "what is known, at the same pace to the year's end",
        "phần có dữ liệu, giữ cùng nhịp đến cuối năm",
    ),
    "year_is_over": ("the year is over", "năm đã kết thúc"),
    "year_is_to_come": ("the year is to come", "năm chưa đến"),
    "too_early": ("less than 30 days of the year have passed", "mới qua chưa đầy 30 ngày của năm"),
    "no_data": ("nothing of the year is known", "không có dữ liệu của năm"),
    "not_complete": (
        "less than 99 % of the year so far is known, or a source came after it began",
        "phần năm đã qua có độ phủ dưới 99 %, hoặc có nguồn bắt đầu sau đầu năm",
    ),
    "last_year_not_complete": (
        "not seasonal: not every month of the last year is known",
        "không theo mùa: dữ liệu các tháng của năm trước chưa đủ",
    ),
    "fewer_than_three_months": (
        "not seasonal: fewer than three months of this year are known",
        "không theo mùa: chưa có đủ ba tháng của năm nay",
    ),
    # bridges
    "base_year_not_complete": (
        "less than 99 % of the base year is known",
        "năm gốc có độ phủ dưới 99 %",
    ),
    "year_not_complete": (
        "the year is not over, or less than 99 % of it is known",
        "năm chưa kết thúc, hoặc có độ phủ dưới 99 %",
    ),
    "output_not_known": (
        "the output of a year is not known or 0",
        "sản lượng của một năm không rõ hoặc bằng 0",
    ),
    "not_a_product": (
        "a source's amount is below 0, or it has tonnes without activity",
        "một nguồn có lượng âm, hoặc có phát thải mà không có hoạt động",
    ),
    # advice
    "load_not_known": (
        "the load of the same weekday is known in fewer than two of the last four weeks",
        "phụ tải cùng ngày trong tuần chỉ có dữ liệu ở chưa đủ hai trong bốn tuần qua",
    ),
    "price_not_known": (
        "no price is in force for the whole of tomorrow",
        "không có giá điện cho cả ngày mai",
    ),
}


def told_reason(code: str, language: Language) -> str:
    """Return what a code means, as a reader of a language would say it."""
    return _WORDS[code][language == "vi"]
