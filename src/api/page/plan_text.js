// Words of the page of the plan in both languages.

import { learn } from './text.js';

learn({
  en: {
    skipPlan: 'Skip to the plan', yearOf: 'Year of the measures',
    pathTitle: 'The path', pathLabel: 'Tonnes of each year against the path', emitted: 'emitted', target: 'path', budgetOf: 'budget', leadsTo: '{year} leads to {range} t CO₂e.', between: '{amount} ({low} to {high})', noYears: 'Neither a path nor a tonne is known.',
    burnTitle: 'Budget of {year}', burnOver: 'Used over {days} d', timesEven: '{n} × evenly', lastsFor: 'Lasts at this rate', daysOf: '{n} days', usedOf: '{used} of {all} t used', noBudget: 'No budget is set for this year.',
    measuresTitle: 'Measures in {year}', noMeasures: 'No measure is configured.', provenSum: 'Proven together: {range} t CO₂e.', noneProven: 'Nothing is proven yet.', isShown: 'proven', isNotShown: 'not shown', isExtrapolated: 'not shown', isExpected: 'expected',
    savedOf: 'Saved', expectedOf: 'Expected', aYear: '{t} t CO₂e a year', plusMinus: '{amount} ± {width} {unit}', startsOn: 'from {day}', costs: 'cost {n} million VND', cusumOf: 'Course', cusumLabel: 'What was used more than the baseline says, summed: it falls while something is saved', beginsHere: 'start', measuredBy: '{channel}, {confidence} intervals, baseline of {n} steps',
    bridgeTitle: 'What moved the tonnes', bridgeLabel: 'From {base} to {year}', outputOf: 'Output', outputChannel: 'What is made', chooseOutput: 'choose a channel', intensityOf: 'Activity per output', factorOf: 'Factor', bridgeOfFacility: 'A bridge is of a facility: choose one above.', effectOf: 'Effect',
  },
  vi: {
    skipPlan: 'Đến kế hoạch', yearOf: 'Năm của các biện pháp',
    pathTitle: 'Lộ trình', pathLabel: 'Số tấn từng năm so với lộ trình', emitted: 'đã phát thải', target: 'lộ trình', budgetOf: 'hạn ngạch', leadsTo: 'Năm {year} dẫn đến {range} t CO₂e.', between: '{amount} (từ {low} đến {high})', noYears: 'Chưa có lộ trình, cũng chưa có dữ liệu.',
    burnTitle: 'Hạn ngạch năm {year}', burnOver: 'Đã dùng trong {days} ngày', timesEven: '{n} × mức đều', lastsFor: 'Còn đủ, giữ nhịp này', daysOf: '{n} ngày', usedOf: 'đã dùng {used} trên {all} t', noBudget: 'Năm này chưa đặt hạn ngạch.',
    measuresTitle: 'Các biện pháp trong năm {year}', noMeasures: 'Cấu hình chưa có biện pháp nào.', provenSum: 'Đã chứng minh, cộng lại: {range} t CO₂e.', noneProven: 'Chưa có gì được chứng minh.', isShown: 'đã chứng minh', isNotShown: 'chưa chứng minh', isExtrapolated: 'chưa chứng minh', isExpected: 'dự kiến',
    savedOf: 'Tiết kiệm', expectedOf: 'Dự kiến', aYear: '{t} t CO₂e mỗi năm', plusMinus: '{amount} ± {width} {unit}', startsOn: 'từ {day}', costs: 'chi phí {n} triệu VND', cusumOf: 'Diễn biến cộng dồn', cusumLabel: 'Phần dùng nhiều hơn đường cơ sở, cộng dồn: giảm khi có tiết kiệm', beginsHere: 'bắt đầu', measuredBy: '{channel}, khoảng tin cậy {confidence}, đường cơ sở {n} bước',
    bridgeTitle: 'Điều gì làm thay đổi số tấn', bridgeLabel: 'Từ {base} đến {year}', outputOf: 'Sản lượng', outputChannel: 'Sản phẩm', chooseOutput: 'chọn một kênh', intensityOf: 'Hoạt động trên sản lượng', factorOf: 'Hệ số', bridgeOfFacility: 'Phần này là của từng cơ sở: hãy chọn một cơ sở ở trên.', effectOf: 'Tác động',
  },
});
