// Words of the page of the city in both languages.

import { learn } from './text.js';

learn({
  en: {
    skipCity: 'Skip to the parks', thisYear: 'This year', ofAll: 'of all {m} parks', ofSome: 'of {n} of {m} parks: the others are not known now', noMembers: 'No members are configured: a file members.yaml names the parks that other Stackmeters tell of.',
    park: 'Park', parks: 'Parks', neverHeard: 'not heard yet', onTarget: 'Projected of the target', monthsClosed: 'Months closed', outsideLimits: 'Outside limits', criteriaMet: 'Eco-park criteria met', leastCovered: 'the least covered one: {share}',
  },
  vi: {
    skipCity: 'Đến các khu', thisYear: 'Năm nay', ofAll: 'của cả {m} khu', ofSome: 'của {n}/{m} khu: các khu khác hiện không rõ', noMembers: 'Chưa khai báo thành viên: tệp members.yaml ghi các khu do hệ thống Stackmeter khác báo.',
    park: 'Khu', parks: 'Các khu', neverHeard: 'chưa nhận được', onTarget: 'Dự báo so với mục tiêu', monthsClosed: 'Số tháng đã chốt', outsideLimits: 'Vượt giới hạn', criteriaMet: 'Tiêu chí sinh thái đạt', leastCovered: 'khu có độ phủ thấp nhất: {share}',
  },
});
