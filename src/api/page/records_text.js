// Words of the page of records in both languages.

import { learn } from './text.js';

learn({
  en: {
    skipRecords: 'Skip to the records',
    enter: 'Enter',
    noChannel: 'No channel that this key shows is entered by people (entered: true in the configuration).',
    what: 'What', fromDay: 'From', to: 'To (not part of it)', at: 'From (it holds until the next one)', unit: 'Unit',
    sourceHint: 'Invoice, delivery note, laboratory report: its number',
    replace: 'Replace',
    replaces: 'replaces {id}',
    span: '{from} to before {to}', onFrom: 'from {from} on',
  },
  vi: {
    skipRecords: 'Đến sổ ghi',
    enter: 'Nhập',
    noChannel: 'Khóa này không thấy kênh nào do người nhập (entered: true trong cấu hình).',
    what: 'Nội dung', fromDay: 'Từ ngày', to: 'Đến trước ngày', at: 'Từ ngày (đến lần nhập sau)', unit: 'Đơn vị',
    sourceHint: 'Số hóa đơn, phiếu giao hàng, phiếu thử nghiệm',
    replace: 'Thay thế',
    replaces: 'thay cho {id}',
    span: 'từ {from} đến trước {to}', onFrom: 'từ {from}',
  },
});
