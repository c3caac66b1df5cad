// Words in both languages, and numbers and times as each writes them. An unknown is "–", never 0.

export const UNKNOWN = '–';

const WORDS = {
  en: {
    title: 'Live emissions', all: 'All parks', now: 'Now', today: 'Today', month: 'This month', perHour: 't CO₂e/h', tonnes: 't CO₂e',
    facility: 'Facility', scope1: 'Scope 1 today', scope2: 'Scope 2 today', quality: 'Known', facilities: 'Facilities',
    known: '{share} known', knownSince: '{share} known since {from}', unheardOne: 'nothing was read of 1 source', unheardMany: 'nothing was read of {n} sources', substituted: '{share} substituted', interpolated: '{share} interpolated',
    unknown: 'unknown', complete: 'complete to {time}', ago: '{age} ago', lowest: 'the lowest of {n} facilities',
    lacksOne: '+ 1 source unknown', lacksMany: '+ {n} sources unknown', staleOne: '1 channel is silent', staleMany: '{n} channels are silent',
    day: 'The last 24 hours', dayLabel: 'Tonnes of each of the last 24 hours. {known} of 24 hours are known, the highest is {most}.',
    gap: 'no data', asTable: 'As a table', hour: 'Hour', measuredLegend: 'known', hatched: 'incomplete', dotted: 'substituted', gapLegend: 'no data',
    alerts: 'Open alerts', noAlerts: 'No open alert', moreAlerts: 'More alerts are open than are shown.',
    critical: 'Critical', warning: 'Warning', info: 'Info', silenced: 'silenced', inhibited: 'covered by another',
    since: 'since {time}', value: '{value} {unit}', limit: 'limit {limit} {unit}', by: 'acknowledged by {who}', assigned: 'with {who}', snoozed: 'snoozed until {time}', first: 'First: {text}',
    acknowledge: 'Acknowledge', snooze: 'Snooze', hours1: 'for 1 hour', hours4: 'for 4 hours', hours12: 'for 12 hours',
    acting: 'Sending …', acted: 'Noted', waiting: 'Sent; it is noted in a moment', refused: 'Not noted: {why}', notAllowed: 'this key may only look',
    who: 'Who are you?', whoHint: 'It is kept with what you do.', ok: 'Go on', cancel: 'Cancel', close: 'Close',
    gateways: 'Gateways', online: 'online', offline: 'offline', saysNothing: 'state unknown', lag: 'newest reading {age} ago', noReading: 'no reading yet', ofOnline: '{n} of {all} online', others: '{n} more', rebirth: 'Ask for a birth', reborn: 'Asked for a birth: {nodes}', leftOut: '+ {n} more',
    health: 'Service', ready: 'ready', notReady: 'not ready', allWell: 'The service is ready and lacks nothing.',
    budget: '{share} of the month’s budget of {tonnes} t',
    live: 'live', connecting: 'connecting', lost: 'No connection since {time}. What stands here is from then.', full: 'The service has no room for another live view. It is tried again.',
    signIn: 'Open', keyLabel: 'Key', keyHint: 'The key that you were given for Stackmeter. It stays in this browser.', remember: 'Remember on this display', badKey: 'This key is not accepted.', signOut: 'Sign out',
    why: 'Why this number', explain: 'Explain {what}', loading: 'Looking …', failed: 'This could not be asked: {why}', parts: 'What it is made of', method: 'Method', factor: 'Factor', gwp: 'GWP set', inputs: 'Readings', covered: 'coverage', revision: 'revision',
    validFrom: 'in force from {from}', validTo: 'to {to}', provisional: 'provisional', official: 'official', own: 'own', same: 'Made again from these readings: the same number, to the bit.', notSame: 'Made again from these readings: another number.', back: 'Back', recent: 'the newest whole window',
    history: 'Changes', zone: 'Times are of {zone}.', legend: '– is unknown, never 0. CO₂e by {gwp}; electricity at the grid’s average.', asOf: 'As of {time}', other: 'Tiếng Việt', wall: 'Wall display', records: 'Records', monthEnd: 'Month end', plan: 'Plan', position: 'Position', energy: 'Energy', ecoPark: 'Eco-park', city: 'City', skip: 'Skip to the figures',
    s: '{n} s', min: '{n} min', h: '{n} h', d: '{n} d', view: 'Park', missed: 'Some of what happened to alerts while there was no connection is not listed here.',
    perUnit: 'Tonnes per unit of product', perKnown: 'over {made}, in {n} of {m} steps of which both are known', nowView: 'Now', unit_day: 'Day', unit_week: 'Week', unit_month: 'Month', unit_year: 'Year', unit_range: 'Range', period: 'Period', earlierPeriod: 'Before', laterPeriod: 'After', show: 'Show', weekOf: 'Week {n}: {days}', path: 'Where this is',
    beforeThat: 'Against the period before', yearAgo: 'Against the year before', samePart: 'as long a part of it', running: 'under way', by_facility: 'Facilities', by_source: 'Sources', by_scope: 'Scopes', by_gas: 'Gases', scopeN: 'Scope {n}', partedBy: 'Parted by', rest: '{n} others', otherGases: 'Other gases as CO₂e', biogenic: 'Biogenic CO₂, not counted',
    byTitle: 'Tonnes {unit}', every1h: 'by the hour', every1d: 'by the day', every1mo: 'by the month', when: 'When', trend: 'Course', sum: 'Sum', part: 'Share', amount: 'Amount', grewMost: 'Grew most: {name}, +{by} t ({share})', take: 'Take along:', none: 'None', hours: '24 hours', map: 'Map', noPicture: 'the browser makes no picture of it',
    channels: 'Channels', channel: 'Channel', gateway: 'Gateway', valueNow: 'Present value', heard: 'Last heard', standing: 'How it stands', usedBy: 'Used by', kind: 'Kind', serial: 'Serial number', readings: 'Readings', isSilent: 'silent', isAway: 'away', speaks: 'heard in time', silentSince: 'silent since {time}, {age}', virtual: 'Calculated from other channels: it has no readings of its own.',
    outliers: 'Outliers', anomalies: 'Anomalies', conflicts: 'Conflicts', gaps: 'Gaps', longestGap: 'Longest gap', skew: 'Its clock is behind by', missingMessages: 'Missing messages', notNumbered: 'It does not number its messages', absent: 'Devices that are not there', refused24: 'Refused in the last 24 hours',
    alert: 'Alert', allAlerts: 'All alerts', openOne: '1 open alert', openMany: '{n} open alerts', groupOf: '{n} alerts, the newest {newest}', acknowledgeAll: 'Acknowledge all {n}', showThem: 'Show them', newestOf: 'the newest {n}', severity: 'Severity', place: 'Place', from: 'From', until: 'Until', who_: 'Taken by', lasts: 'it lasts', lasted: 'How long',
    valueThen: 'Value when it fired', limitOf: 'Limit', mutedBy: 'Not told because of', doFirst: 'Do first', about: 'About it', curveAround: 'Around its beginning', happened: 'What happened', told: 'Who was told', toldNotFor: 'This key is not told of deliveries: it takes an operator’s of all places.', toldNobody: 'No delivery was tried.', delivered: 'delivered', earlier: 'The same before',
    did_firing: 'fired', did_resolved: 'over', did_acknowledged: 'acknowledged', did_snoozed: 'snoozed', did_assigned: 'handed over', did_commented: 'commented', did_silenced: 'silenced', did_inhibited: 'covered by another', did_escalated: 'escalated',
    limits: 'Limits', limit_in_force: 'in force', limit_beside: 'judged beside it', limit_to_come: 'to come', limit_over: 'ended', atMost: 'At most', newestMean: 'Newest mean', outside_hour: 'Hours outside', outside_day: 'Days outside', againstLimit: 'Means against {name}',
    page: '{n} of {all}', noFacility: 'This key shows no park.',
  },
  vi: {
    title: 'Phát thải trực tiếp', all: 'Tất cả khu', now: 'Hiện tại', today: 'Hôm nay', month: 'Tháng này', perHour: 't CO₂e/giờ', tonnes: 't CO₂e',
    facility: 'Cơ sở', scope1: 'Phạm vi 1 hôm nay', scope2: 'Phạm vi 2 hôm nay', quality: 'Có dữ liệu', facilities: 'Các cơ sở',
    known: 'có dữ liệu {share}', knownSince: 'có dữ liệu {share} kể từ {from}', unheardOne: 'chưa có dữ liệu của 1 nguồn', unheardMany: 'chưa có dữ liệu của {n} nguồn', substituted: 'thay thế {share}', interpolated: 'nội suy {share}',
    unknown: 'không rõ', complete: 'đủ đến {time}', ago: '{age} trước', lowest: 'thấp nhất trong {n} cơ sở',
    lacksOne: '+ 1 nguồn không rõ', lacksMany: '+ {n} nguồn không rõ', staleOne: '1 kênh im lặng', staleMany: '{n} kênh im lặng',
    day: '24 giờ qua', dayLabel: 'Số tấn của từng giờ trong 24 giờ qua. Có dữ liệu {known} trên 24 giờ, cao nhất là {most}.',
    gap: 'không có dữ liệu', asTable: 'Dạng bảng', hour: 'Giờ', measuredLegend: 'có dữ liệu', hatched: 'chưa đủ', dotted: 'thay thế', gapLegend: 'không có dữ liệu',
    alerts: 'Cảnh báo đang mở', noAlerts: 'Không có cảnh báo', moreAlerts: 'Còn cảnh báo khác đang mở.',
    critical: 'Nghiêm trọng', warning: 'Cảnh báo', info: 'Thông tin', silenced: 'tắt tiếng', inhibited: 'đã gộp vào cảnh báo khác',
    since: 'từ {time}', value: '{value} {unit}', limit: 'ngưỡng {limit} {unit}', by: '{who} đã nhận xử lý', assigned: 'giao cho {who}', snoozed: 'tạm hoãn đến {time}', first: 'Việc cần làm trước: {text}',
    acknowledge: 'Tôi nhận xử lý', snooze: 'Tạm hoãn', hours1: '1 giờ', hours4: '4 giờ', hours12: '12 giờ',
    acting: 'Đang gửi …', acted: 'Đã ghi nhận', waiting: 'Đã gửi; sẽ ghi nhận trong giây lát', refused: 'Chưa ghi nhận: {why}', notAllowed: 'khóa này chỉ được xem',
    who: 'Bạn là ai?', whoHint: 'Tên được lưu cùng việc bạn làm.', ok: 'Tiếp tục', cancel: 'Hủy', close: 'Đóng',
    gateways: 'Gateway', online: 'trực tuyến', offline: 'ngoại tuyến', saysNothing: 'không rõ', lag: 'số đọc mới nhất {age} trước', noReading: 'chưa có số đọc', ofOnline: '{n} trên {all} trực tuyến', others: '{n} gateway khác', rebirth: 'Yêu cầu khai báo lại (birth)', reborn: 'Đã yêu cầu khai báo lại: {nodes}', leftOut: '+ {n} mục khác',
    health: 'Dịch vụ', ready: 'sẵn sàng', notReady: 'chưa sẵn sàng', allWell: 'Dịch vụ hoạt động bình thường.',
    budget: '{share} hạn ngạch tháng {tonnes} t',
    live: 'trực tiếp', connecting: 'đang kết nối', lost: 'Mất kết nối từ {time}. Các số ở đây là của lúc đó.', full: 'Dịch vụ không còn chỗ cho màn hình này. Đang thử lại.',
    signIn: 'Mở', keyLabel: 'Khóa', keyHint: 'Khóa Stackmeter mà bạn được cấp. Khóa chỉ ở trong trình duyệt này.', remember: 'Nhớ trên màn hình này', badKey: 'Khóa này không được chấp nhận.', signOut: 'Đăng xuất',
    why: 'Vì sao có số này', explain: 'Giải thích {what}', loading: 'Đang xem …', failed: 'Chưa hỏi được: {why}', parts: 'Gồm những phần nào', method: 'Phương pháp', factor: 'Hệ số', gwp: 'Bộ GWP', inputs: 'Số đọc', covered: 'độ phủ', revision: 'lần sửa',
    validFrom: 'hiệu lực từ {from}', validTo: 'đến {to}', provisional: 'tạm thời', official: 'chính thức', own: 'riêng', same: 'Tính lại từ các số đọc này: đúng số đó, đến từng bit.', notSame: 'Tính lại từ các số đọc này: ra số khác.', back: 'Quay lại', recent: 'khoảng tính đầy đủ mới nhất',
    history: 'Thay đổi', zone: 'Giờ của {zone}.', legend: '– là không rõ, không phải là 0. CO₂e theo {gwp}; điện theo hệ số trung bình của lưới.', asOf: 'Lúc {time}', other: 'English', wall: 'Màn hình treo', records: 'Sổ ghi', monthEnd: 'Chốt tháng', plan: 'Kế hoạch', position: 'Vị thế', energy: 'Năng lượng', ecoPark: 'Khu sinh thái', city: 'Thành phố', skip: 'Đến các con số',
    s: '{n} giây', min: '{n} phút', h: '{n} giờ', d: '{n} ngày', view: 'Khu', missed: 'Một phần diễn biến cảnh báo lúc mất kết nối không có ở đây.',
    perUnit: 'Số tấn trên một đơn vị sản phẩm', perKnown: 'trên {made}, tính trong {n}/{m} khoảng có đủ dữ liệu của cả hai', nowView: 'Hiện tại', unit_day: 'Ngày', unit_week: 'Tuần', unit_month: 'Tháng', unit_year: 'Năm', unit_range: 'Khoảng', period: 'Kỳ', earlierPeriod: 'Trước', laterPeriod: 'Sau', show: 'Xem', weekOf: 'Tuần {n}: {days}', path: 'Vị trí',
    beforeThat: 'So với kỳ trước', yearAgo: 'So với năm trước', samePart: 'phần dài bằng', running: 'đang diễn ra', by_facility: 'Cơ sở', by_source: 'Nguồn', by_scope: 'Phạm vi', by_gas: 'Khí', scopeN: 'Phạm vi {n}', partedBy: 'Chia theo', rest: '{n} mục khác', otherGases: 'Khí khác, quy ra CO₂e', biogenic: 'CO₂ sinh học, không tính',
    byTitle: 'Số tấn {unit}', every1h: 'theo giờ', every1d: 'theo ngày', every1mo: 'theo tháng', when: 'Lúc', trend: 'Diễn biến', sum: 'Tổng', part: 'Tỷ lệ', amount: 'Lượng', grewMost: 'Tăng nhiều nhất: {name}, +{by} t ({share})', take: 'Tải về:', none: 'Không có', hours: '24 giờ', map: 'Bản đồ', noPicture: 'trình duyệt không tạo được hình',
    channels: 'Kênh', channel: 'Kênh', gateway: 'Gateway', valueNow: 'Giá trị hiện tại', heard: 'Lần cuối có tin', standing: 'Tình trạng', usedBy: 'Dùng cho', kind: 'Loại', serial: 'Số sê-ri', readings: 'Số đọc', isSilent: 'im lặng', isAway: 'vắng', speaks: 'vẫn có tin đúng lúc', silentSince: 'im lặng từ {time}, {age}', virtual: 'Tính từ các kênh khác: không có số đọc riêng.',
    outliers: 'Giá trị lạ', anomalies: 'Bất thường', conflicts: 'Mâu thuẫn', gaps: 'Khoảng trống', longestGap: 'Khoảng trống dài nhất', skew: 'Đồng hồ chậm', missingMessages: 'Tin bị thiếu', notNumbered: 'Không đánh số tin', absent: 'Thiết bị vắng mặt', refused24: 'Bị từ chối trong 24 giờ qua',
    alert: 'Cảnh báo', allAlerts: 'Mọi cảnh báo', openOne: '1 cảnh báo đang mở', openMany: '{n} cảnh báo đang mở', groupOf: '{n} cảnh báo, mới nhất {newest}', acknowledgeAll: 'Nhận xử lý cả {n}', showThem: 'Xem từng cái', newestOf: '{n} cái mới nhất', severity: 'Mức', place: 'Nơi', from: 'Từ', until: 'Đến', who_: 'Người nhận', lasts: 'đang kéo dài', lasted: 'Kéo dài',
    valueThen: 'Giá trị lúc báo', limitOf: 'Ngưỡng', mutedBy: 'Không báo vì', doFirst: 'Việc cần làm trước', about: 'Mô tả', curveAround: 'Quanh lúc bắt đầu', happened: 'Diễn biến', told: 'Ai đã được báo', toldNotFor: 'Khóa này không xem được các lần gửi: cần khóa vận hành của mọi nơi.', toldNobody: 'Chưa có lần gửi nào.', delivered: 'đã nhận', earlier: 'Những lần trước',
    did_firing: 'bắt đầu', did_resolved: 'kết thúc', did_acknowledged: 'đã nhận xử lý', did_snoozed: 'tạm hoãn', did_assigned: 'giao lại', did_commented: 'ghi chú', did_silenced: 'tắt tiếng', did_inhibited: 'đã gộp vào cảnh báo khác', did_escalated: 'báo lên cấp trên',
    limits: 'Ngưỡng phải giữ', limit_in_force: 'đang hiệu lực', limit_beside: 'xét song song', limit_to_come: 'sắp hiệu lực', limit_over: 'hết hiệu lực', atMost: 'Nhiều nhất', newestMean: 'Trung bình mới nhất', outside_hour: 'Số giờ ngoài ngưỡng', outside_day: 'Số ngày ngoài ngưỡng', againstLimit: 'Trung bình so với {name}',
    page: '{n} trên {all}', noFacility: 'Khóa này không mở khu nào.',
  },
};

// Words of a page beside the live one.
export function learn(words) {
  for (const language of Object.keys(WORDS)) Object.assign(WORDS[language], words[language]);
}

const LANGUAGE = 'stackmeter.language';
export const spoken = { language: 'en' };

export function chooseLanguage() {
  const asked = new URLSearchParams(location.search).get('lang');
  const liked = asked ?? localStorage.getItem(LANGUAGE) ?? navigator.languages.map((one) => one.slice(0, 2)).find((one) => one in WORDS);
  speak(liked in WORDS ? liked : 'en');
  if (asked in WORDS) localStorage.setItem(LANGUAGE, asked);
}

export function otherLanguage() {
  speak(spoken.language === 'vi' ? 'en' : 'vi');
  localStorage.setItem(LANGUAGE, spoken.language);
}

function speak(language) {
  spoken.language = language;
  document.documentElement.lang = language;
}

export function say(name, values = {}) {
  return WORDS[spoken.language][name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

// Of a text that an alert has in both languages, or in one.
export function sayText(text) {
  if (!text || typeof text === 'string') return text || '';
  return text[spoken.language] || Object.values(text).find(Boolean) || '';
}

const known = (value) => value !== null && value !== undefined && Number.isFinite(value);

// Four digits, as many as a glance takes in; no more than three decimals.
export function number(value, digits = Math.max(0, Math.min(3, 3 - Math.floor(Math.log10(Math.abs(value) || 1))))) {
  if (!known(value)) return UNKNOWN;
  return new Intl.NumberFormat(spoken.language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

export function exact(value) {
  return known(value) ? new Intl.NumberFormat(spoken.language, { maximumSignificantDigits: 12 }).format(value) : UNKNOWN;
}

// How much more or less one is than another, with its sign: +12.3 %.
export function change(value, before) {
  if (!known(value) || !known(before) || before === 0) return UNKNOWN;
  return new Intl.NumberFormat(spoken.language, { style: 'percent', maximumFractionDigits: 1, signDisplay: 'exceptZero' }).format((value - before) / Math.abs(before));
}

// A period by its name; its days are midnights in UTC, the last is not part of it.
export function periodName({ unit, from, to, text }) {
  const told = (parts) => clock('UTC', parts), day = { day: 'numeric', month: 'short', year: 'numeric' };
  if (unit === 'year') return text;
  if (unit === 'week') return say('weekOf', { n: Number(text.slice(-2)), days: told(day).formatRange(from, to - 1) });
  if (unit === 'range') return told(day).formatRange(from, to - 1);
  return told(unit === 'month' ? { month: 'long', year: 'numeric' } : { weekday: 'short', ...day }).format(from);
}

// What a step of a chart is called.
export function stepName(time, every, zone) {
  if (every === '1mo') return clock(zone, { month: 'short', year: '2-digit' }).format(new Date(time));
  if (every === '1d') return clock(zone, { day: '2-digit', month: '2-digit' }).format(new Date(time));
  return clock(zone, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(time));
}

// Never rounded up: 99.99 % is not all.
export function share(value) {
  if (!known(value)) return UNKNOWN;
  const floored = Math.floor(value * 1000 + 1e-9) / 1000;
  return new Intl.NumberFormat(spoken.language, { style: 'percent', maximumFractionDigits: 1 }).format(floored);
}

// What is small must not vanish: 0.01 % is shown as 0.1 %.
export function shareUp(value) {
  return share(Math.ceil(value * 1000 - 1e-9) / 1000);
}

function clock(zone, parts) {
  return new Intl.DateTimeFormat(spoken.language === 'vi' ? 'vi-VN' : 'en-GB', { timeZone: zone, ...parts });
}

// A time on the park's clock, with its date where that is another day than the one of `now`, and the year where it is another year.
export function moment(text, zone, now) {
  if (!text) return UNKNOWN;
  const at = new Date(text), today = new Date(now), year = clock(zone, { year: 'numeric' });
  const ofThisYear = year.format(at) === year.format(today);
  const day = clock(zone, { day: '2-digit', month: '2-digit', ...(ofThisYear ? {} : { year: 'numeric' }) });
  const time = clock(zone, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).format(at);
  return ofThisYear && day.format(at) === day.format(today) ? time : `${day.format(at)} ${time}`;
}

// A time as short as it can be told after "since": its hour where that is of today, else its day.
export function sinceOf(text, zone, now) {
  const at = new Date(text), today = new Date(now), whole = (one) => clock(zone, { year: 'numeric', month: '2-digit', day: '2-digit' }).format(one), year = (one) => clock(zone, { year: 'numeric' }).format(one);
  const time = clock(zone, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at);
  if (whole(at) === whole(today) && time !== '00:00') return time;
  const day = spoken.language === 'vi' ? { day: '2-digit', month: '2-digit' } : { day: 'numeric', month: 'short' };
  return clock(zone, { ...day, ...(year(at) !== year(today) && { year: 'numeric' }) }).format(at).replaceAll('-', '/');
}

export function hourOf(text, zone) {
  return clock(zone, { hour: '2-digit', hourCycle: 'h23' }).format(new Date(text)).padStart(2, '0').slice(0, 2);
}

export function age(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 100) return say('s', { n: s });
  if (s < 6000) return say('min', { n: Math.round(s / 60) });
  if (s < 48 * 3600) return say('h', { n: Math.round(s / 3600) });
  return say('d', { n: Math.round(s / 86400) });
}
