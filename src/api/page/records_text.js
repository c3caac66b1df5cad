// Words of the page of records in both languages, and numbers as people type them.

import { learn, spoken } from './text.js';

learn({
  en: {
    skipRecords: 'Skip to the records',
    toApprove: 'To be approved', nothingToApprove: 'Nothing waits for approval.', enter: 'Enter', newest: 'Entered lately', nothingEntered: 'Nothing was entered yet.',
    noChannel: 'No channel that this key shows is entered by people (entered: true in the configuration).', notEnter: 'This key may only look: an operator enters, an approver approves.',
    what: 'What', fromDay: 'From', to: 'To (not part of it)', at: 'From (it holds until the next one)', unit: 'Unit', readAs: 'Read as {value} {unit}',
    notNumber: 'Not a number as this language writes it: 1,234.5', sourceLabel: 'What says so', sourceHint: 'Invoice, delivery note, laboratory report: its number', file: 'Photo or file', fileHint: 'PDF, photo, XML, XLSX or CSV, at most 10 MiB', noteLabel: 'Note',
    send: 'Send', sending: 'Sending …', entered: 'Entered as {id}. It counts once another person has approved it.', enteredLater: 'Sent; it is entered in a moment.', refusedBecause: 'Not taken: {why}',
    approve: 'Approve', refuse: 'Refuse', withdraw: 'Withdraw', strike: 'Strike', replace: 'Replace', evidence: 'Show the file', reason: 'Why? It is kept and shown.', doneWith: 'Noted',
    isEntered: 'waits for approval', isApproved: 'approved', isRefused: 'refused', isWithdrawn: 'withdrawn', isReplaced: 'replaced', isStruck: 'struck',
    enteredBy: 'entered by {who}, {time}', approvedBy: 'approved by {who}', endedBy: 'by {who}: {why}', alone: 'nobody else checked it', yours: 'You entered this: another person approves it.', replaces: 'replaces {id}', more: 'More',
    span: '{from} to before {to}', onFrom: 'from {from} on', cannotShow: 'The file cannot be shown: {why}',
  },
  vi: {
    skipRecords: 'Đến sổ ghi',
    toApprove: 'Chờ duyệt', nothingToApprove: 'Không có gì chờ duyệt.', enter: 'Nhập', newest: 'Nhập gần đây', nothingEntered: 'Chưa nhập gì.',
    noChannel: 'Khóa này không thấy kênh nào do người nhập (entered: true trong cấu hình).', notEnter: 'Khóa này chỉ được xem: người vận hành nhập, người duyệt duyệt.',
    what: 'Nội dung', fromDay: 'Từ ngày', to: 'Đến trước ngày', at: 'Từ ngày (đến lần nhập sau)', unit: 'Đơn vị', readAs: 'Đọc là {value} {unit}',
    notNumber: 'Không phải số viết theo tiếng Việt: 1.234,5', sourceLabel: 'Chứng từ', sourceHint: 'Số hóa đơn, phiếu giao hàng, phiếu thử nghiệm', file: 'Ảnh hoặc tệp', fileHint: 'PDF, ảnh, XML, XLSX hoặc CSV, tối đa 10 MiB', noteLabel: 'Ghi chú',
    send: 'Gửi', sending: 'Đang gửi …', entered: 'Đã nhập, số {id}. Số này được tính khi người khác duyệt.', enteredLater: 'Đã gửi; sẽ được nhập trong giây lát.', refusedBecause: 'Chưa nhận: {why}',
    approve: 'Duyệt', refuse: 'Từ chối', withdraw: 'Rút lại', strike: 'Gạch bỏ', replace: 'Thay thế', evidence: 'Xem tệp', reason: 'Vì sao? Lý do được lưu và hiển thị.', doneWith: 'Đã ghi nhận',
    isEntered: 'chờ duyệt', isApproved: 'đã duyệt', isRefused: 'bị từ chối', isWithdrawn: 'đã rút', isReplaced: 'đã thay thế', isStruck: 'đã gạch bỏ',
    enteredBy: '{who} nhập, {time}', approvedBy: '{who} duyệt', endedBy: '{who}: {why}', alone: 'chưa có người thứ hai kiểm tra', yours: 'Bạn đã nhập mục này: người khác sẽ duyệt.', replaces: 'thay cho {id}', more: 'Xem thêm',
    span: 'từ {from} đến trước {to}', onFrom: 'từ {from}', cannotShow: 'Không xem được tệp: {why}',
  },
});

// A number as the language of the page writes it, null where it is none: 1.234,5 in Vietnamese, 1,234.5 in English. Grouped
// wrongly, as 1.234 in English with one group of three, it could be either, so what it was read as is always shown.
export function typed(text) {
  const [group, point] = spoken.language === 'vi' ? ['.', ','] : [',', '.'];
  const form = new RegExp(`^-?(\\d{1,3}(\\${group}\\d{3})+|\\d+)(\\${point}\\d+)?$`);
  const found = text.trim().replace(/[\s\u00a0\u202f]/g, '');
  if (!form.test(found)) return null;
  const value = Number(found.replaceAll(group, '').replace(point, '.'));
  return Number.isFinite(value) ? value : null;
}
