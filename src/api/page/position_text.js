// Words of the page of the position in both languages.

import { learn } from './text.js';

learn({
  en: {
    skipPosition: 'Skip to the position', stands: 'Position', noMarket: 'No facility here has a market.', lowEnd: 'Low', highEnd: 'High', tonnesOf: 'What',
    inventoryOf: 'Inventory', gapOf: 'Gap', surplusOf: 'Surplus', mayCover: 'Credits may cover', creditsCover: 'Credits cover', toBuy: 'To buy', exposure: 'Exposure', withoutCredits: 'Without credits', millionOf: 'million {currency}',
    allocated: 'Allocated', heldOf: 'Held', creditsOf: 'Credits', priceOf: 'Price', perTonne: '{price} {currency}/t', sinceDay: 'since {day}', lastTrading: 'Last trading day', surrenderBy: 'To surrender by', inDays: 'in {n} days', isToday: 'today', isOver: 'over',
    betweenOf: '{amount} ({low} to {high})', monthsOf: '{known} months known, {final} of them final', rest_known: 'all known', rest_seasonal: 'the rest by the seasons of the year before', rest_linear: 'the rest in proportion to the known days, without an interval', rest_not_known: 'the rest is not known',
    notGranted: 'No approved grant of {years}: what is held is not known.', noPrice: 'No price is known.', noRule: 'No rule of {market} settles these years: nothing is told of credits.', coverRule: 'credits up to {share} of {of}', of_allocated: 'what was allocated', of_inventory: 'the inventory',
    notSettled: 'not settled: {what}', unsure_share_of: 'what that share is of', unsure_settled: 'whether the years are settled together', unsure_scopes: 'which scopes count',
    holdings: 'What instruments hold', instrumentOf: 'Instrument', holds: 'Holds', waitsOf: 'Waiting', movedOf: 'Moved', untilDay: 'to {day}', kind_allowance: 'allowance', kind_credit: 'credit', kind_energy_certificate: 'energy certificate', kind_contract: 'contract', impossible: 'Approved, and in no sum',
    enterMovement: 'Enter a movement', noInstrument: 'No instrument that this key shows is configured.', actOf: 'Movement', dayOf: 'Day', yearOf: 'Year', ofYear: 'year {year}', serialsOf: 'Serials, where each unit has one', serialsHint: 'VCS-VN-2024 1-600; several ranges with a semicolon between', serialsWrong: 'Serials are written so: VCS-VN-2024 1-600', sourceOf: 'Decision, contract, statement of the registry: its number',
    act_granted: 'granted', act_carried: 'carried', act_issued: 'issued', act_bought: 'bought', act_delivered: 'delivered', act_sold: 'sold', act_surrendered: 'surrendered', act_cancelled: 'cancelled', act_retired: 'retired', act_expired: 'expired',
  },
  vi: {
    skipPosition: 'Đến vị thế', stands: 'Vị thế', noMarket: 'Ở đây chưa có cơ sở nào tham gia thị trường các-bon.', lowEnd: 'Thấp', highEnd: 'Cao', tonnesOf: 'Mục',
    inventoryOf: 'Kiểm kê', gapOf: 'Thiếu', surplusOf: 'Dư', mayCover: 'Tín chỉ được bù', creditsCover: 'Tín chỉ bù', toBuy: 'Phải mua', exposure: 'Số tiền phải chi', withoutCredits: 'Nếu không có tín chỉ', millionOf: 'triệu {currency}',
    allocated: 'Được phân bổ', heldOf: 'Đang giữ', creditsOf: 'Tín chỉ', priceOf: 'Giá', perTonne: '{price} {currency}/t', sinceDay: 'từ {day}', lastTrading: 'Ngày giao dịch cuối', surrenderBy: 'Hạn nộp trả', inDays: 'còn {n} ngày', isToday: 'hôm nay', isOver: 'đã qua',
    betweenOf: '{amount} (từ {low} đến {high})', monthsOf: 'có dữ liệu {known} tháng, trong đó {final} tháng đã chốt', rest_known: 'đủ cả năm', rest_seasonal: 'phần còn lại theo mùa của năm trước', rest_linear: 'phần còn lại theo tỷ lệ số ngày có dữ liệu, không có khoảng tin cậy', rest_not_known: 'phần còn lại không rõ',
    notGranted: 'Chưa có hạn ngạch được duyệt cho {years}: không rõ đang giữ bao nhiêu.', noPrice: 'Chưa có giá.', noRule: 'Không có quy định nào của {market} cho các năm này: chưa nói được gì về tín chỉ.', coverRule: 'tín chỉ đến {share} của {of}', of_allocated: 'lượng được phân bổ', of_inventory: 'lượng kiểm kê',
    notSettled: 'chưa được làm rõ: {what}', unsure_share_of: 'tỷ lệ đó tính trên gì', unsure_settled: 'các năm có quyết toán chung không', unsure_scopes: 'tính những phạm vi nào',
    holdings: 'Đang giữ theo từng loại', instrumentOf: 'Công cụ', holds: 'Giữ', waitsOf: 'Chờ duyệt', movedOf: 'Biến động', untilDay: 'đến {day}', kind_allowance: 'hạn ngạch', kind_credit: 'tín chỉ', kind_energy_certificate: 'chứng chỉ năng lượng', kind_contract: 'hợp đồng', impossible: 'Đã duyệt nhưng không được tính',
    enterMovement: 'Nhập biến động', noInstrument: 'Khóa này không thấy công cụ nào trong cấu hình.', actOf: 'Loại biến động', dayOf: 'Ngày', yearOf: 'Năm', ofYear: 'năm {year}', serialsOf: 'Số sê-ri, nếu mỗi đơn vị có một số', serialsHint: 'VCS-VN-2024 1-600; nhiều khoảng thì cách nhau bằng dấu chấm phẩy', serialsWrong: 'Số sê-ri viết như sau: VCS-VN-2024 1-600', sourceOf: 'Số quyết định, hợp đồng, sao kê của hệ thống đăng ký',
    act_granted: 'được cấp', act_carried: 'chuyển kỳ', act_issued: 'phát hành', act_bought: 'mua', act_delivered: 'giao', act_sold: 'bán', act_surrendered: 'nộp trả', act_cancelled: 'hủy', act_retired: 'sử dụng (retire)', act_expired: 'hết hạn',
  },
});
