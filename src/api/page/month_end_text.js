// Words of the page of month end and papers in both languages.

import { learn } from './text.js';

learn({
  en: {
    skipMonthEnd: 'Skip to the month', park: 'Park', chosenMonth: 'Month', noMonth: 'A month is one of a whole park: {why}',
    monthOpen: 'open', monthProvisional: 'provisional', monthFinal: 'final', monthRestated: 'restated', reported: '{tonnes} t CO₂e', coveredBy: '{share} covered', onProvisional: '{share} on provisional factors',
    closedBy: 'closed by {who}', despiteOf: 'despite: {why}', stops: 'Keeps it from being final', nothingStops: 'Nothing keeps it from being final.', toSee: 'Also to look at', nothingToSee: 'Nothing else.', notOver: 'The month is not over.',
    hide: 'Hide', toRecords: 'To the records', orType: 'On the command line:', nothingThere: 'Nothing is listed there any more.',
    kindCoverage: 'Coverage', kindSources: 'Unknown sources', kindKnownFrom: 'Not from its beginning', kindQuarantine: 'Quarantine', kindProvisional: 'Provisional factors', kindGap: 'Gap', kindImbalance: 'Imbalance', kindExchange: 'Exchange', kindRecord: 'Record that waits', kindRestatement: 'Change that waits',
    decide: 'Close and approve', nothingToDecide: 'Nothing is to be decided.', mayNot: 'This key may only look: an approver closes, approves and issues.', closeMonth: 'Close the month', whyDespite: 'Why is it closed all the same?', despiteHint: 'It is kept and shown with the month.',
    waits: '{delta} t CO₂e in {n} windows wait for approval.', needsSecond: 'Two people must approve it.', approvedOnce: '{who} has approved it; another person must too.', approveChange: 'Approve the change',
    done: 'Done.', approvedFirst: 'Approved; a second person must approve it too.', later: 'Sent; it is taken in a moment.', notTaken: 'Not taken: {why}',
    papers: 'Issue a paper', form: 'Form', wholePark: 'the whole park', periods: 'Periods', paperLanguage: 'Language of the paper', vi: 'Tiếng Việt', en: 'English', lookAtDraft: 'See what it lacks', draft: 'Draft', fileOf: '{name} as {kind}',
    lacksNothing: 'Nothing keeps it from being issued.', lacksThis: 'It cannot be issued yet:', issueIt: 'Issue it', issued: 'Issued: report {n}, revision {r}.',
    allIssued: 'Issued papers', noneIssued: 'Nothing was issued yet.', reportIssued: 'still true', reportReplaced: 'replaced by a later revision', reportOvertaken: 'overtaken: {months} changed by {delta} t CO₂e', reportNumber: 'report {n}, revision {r}', issuedBy: '{who}, {time}', digests: 'Digests (SHA-256)',
    duties: 'What falls due', noDuties: 'Nothing falls due in the next 400 days.', asOfLaw: 'Whether a duty is yours depends on lists that are not here. [?]: not certain.',
  },
  vi: {
    skipMonthEnd: 'Đến tháng', park: 'Khu', chosenMonth: 'Tháng', noMonth: 'Tháng là của cả khu: {why}',
    monthOpen: 'đang mở', monthProvisional: 'tạm thời', monthFinal: 'đã chốt', monthRestated: 'đã điều chỉnh', reported: '{tonnes} t CO₂e', coveredBy: 'độ phủ {share}', onProvisional: '{share} dựa trên hệ số tạm thời',
    closedBy: '{who} chốt', despiteOf: 'dù: {why}', stops: 'Còn cản việc chốt', nothingStops: 'Không còn gì cản việc chốt.', toSee: 'Cũng nên xem', nothingToSee: 'Không còn gì khác.', notOver: 'Tháng chưa kết thúc.',
    hide: 'Ẩn', toRecords: 'Đến sổ ghi', orType: 'Bằng dòng lệnh:', nothingThere: 'Ở đó không còn gì.',
    kindCoverage: 'Độ phủ', kindSources: 'Nguồn không rõ', kindKnownFrom: 'Không rõ từ đầu tháng', kindQuarantine: 'Cách ly', kindProvisional: 'Hệ số tạm thời', kindGap: 'Chỗ trống', kindImbalance: 'Mất cân bằng', kindExchange: 'Trao đổi', kindRecord: 'Mục chờ duyệt', kindRestatement: 'Thay đổi chờ duyệt',
    decide: 'Chốt và phê duyệt', nothingToDecide: 'Không có gì phải quyết định.', mayNot: 'Khóa này chỉ được xem: người duyệt chốt, phê duyệt và phát hành.', closeMonth: 'Chốt tháng', whyDespite: 'Vì sao vẫn chốt?', despiteHint: 'Lý do được lưu và hiển thị cùng tháng.',
    waits: '{delta} t CO₂e trong {n} khoảng tính chờ phê duyệt.', needsSecond: 'Cần hai người phê duyệt.', approvedOnce: '{who} đã phê duyệt; cần thêm một người khác.', approveChange: 'Phê duyệt thay đổi',
    done: 'Xong.', approvedFirst: 'Đã phê duyệt; cần thêm người thứ hai.', later: 'Đã gửi; sẽ được nhận trong giây lát.', notTaken: 'Chưa nhận: {why}',
    papers: 'Phát hành báo cáo', form: 'Biểu mẫu', wholePark: 'cả khu', periods: 'Kỳ', paperLanguage: 'Ngôn ngữ của báo cáo', vi: 'Tiếng Việt', en: 'English', lookAtDraft: 'Xem còn thiếu gì', draft: 'Bản dự thảo', fileOf: '{name}, tệp {kind}',
    lacksNothing: 'Không còn gì cản việc phát hành.', lacksThis: 'Chưa phát hành được:', issueIt: 'Phát hành', issued: 'Đã phát hành: báo cáo {n}, bản {r}.',
    allIssued: 'Báo cáo đã phát hành', noneIssued: 'Chưa phát hành gì.', reportIssued: 'vẫn đúng', reportReplaced: 'đã thay bằng bản sau', reportOvertaken: 'đã cũ: {months} thay đổi {delta} t CO₂e', reportNumber: 'báo cáo {n}, bản {r}', issuedBy: '{who}, {time}', digests: 'Mã băm (SHA-256)',
    duties: 'Việc đến hạn', noDuties: 'Trong 400 ngày tới không có việc đến hạn.', asOfLaw: 'Việc nào là của cơ sở tùy danh mục không có ở đây. [?]: chưa chắc chắn.',
  },
});
