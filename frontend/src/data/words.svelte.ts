// Words: the two languages of the screens; `?lang=en` chooses English.

import { departmentInEnglish } from './departments';
import { sectorInEnglish } from './sectors';

const vi = {
  centre: 'Trung tâm Giám sát, điều hành thông minh', province: 'tỉnh Lào Cai', score: 'Điểm điều hành',
  critical: 'Rất chậm', lagging: 'Chậm', stale: 'Dữ liệu cũ', met: 'Đạt', near: 'Cận ngưỡng', missed: 'Không đạt',
  none: 'Chưa giao', fresh: 'Mới', late: 'Trễ', absent: 'Mất nguồn', loading: 'Đang nạp', no_source: 'Chưa có nguồn',
  connecting: 'Đang kết nối', live: 'Trực tiếp', laggingLink: 'Kết nối chậm', lost: 'Mất kết nối',
  incompatible: 'Phiên bản mới, đang tải lại', simulated: 'DỮ LIỆU MÔ PHỎNG', target: 'Mục tiêu', goal: 'Đích', noTarget: 'Thống kê',
  old: 'Cũ', alerts: 'Cảnh báo', noAlerts: 'Không có cảnh báo', active: 'đang mở', targetShort: 'đích', metAgain: 'vừa đạt',
  lostSince: 'Màn hình mất kết nối từ', frozen: 'Số liệu dừng tại', retry: 'thử lại sau', trying: 'đang thử lại',
  s: 's', min: 'phút', workingDays: 'ngày làm việc', workingHours: 'giờ làm việc', hour: 'giờ', day: 'ngày', billion: 'tỷ đ', million: 'triệu đ', dong: 'đ', unshown: 'chưa hiện', newBuild: 'Phiên bản mới', flood: 'Dồn dập', flooding: 'cảnh báo trong 10 phút', firstOut: 'Gốc', raised: 'cảnh báo',
  key: 'Cần mã truy cập', keyHint: 'Mã do quản trị viên cấp; màn hình này sẽ giữ lại.', keyWrong: 'Mã không đúng, đã thu hồi hoặc hết hạn', keyOpen: 'Mở', offline: 'Số liệu của lần xem trước',
  wall: 'Màn hình lớn', sources: 'Nguồn dữ liệu', cases: 'Hồ sơ quá hạn', indicators: 'Chỉ số',
  skip: 'Tới nội dung', ranking: 'Xếp hạng', name: 'Tên', value: 'Giá trị', ratio: 'Tử số / mẫu số',
  quality: 'Dữ liệu', schemaDrift: 'Dữ liệu sai mẫu', sourceSilent: 'Nguồn im lặng', profileBroken: 'Tệp cấu hình sai', legal: 'Căn cứ', assumption: 'Cách hiểu', province_level: 'Toàn tỉnh',
  district: 'Huyện, thị xã, thành phố', commune: 'Xã, phường, thị trấn', department: 'Sở, ban, ngành', agency: 'UBND huyện, xã',
  sector: 'Lĩnh vực', group: 'Đơn vị thuế', tier: 'Cấp', period: 'Kỳ', now: 'Hiện tại', p_hour: 'Giờ', p_day: 'Ngày', p_month: 'Tháng', p_year: 'Năm',
  empty: 'Không có dữ liệu', failed: 'Không tải được', again: 'Thử lại', wait: 'Đang tải…',
  points: 'điểm %', noTileType: 'Chưa có kiểu ô này', stuck: 'Đứng lại', loadStuck: 'Nạp đứng lại',
  filter: 'Nơi xử lý', overdue: 'Quá hạn', next: 'Trang sau', page: 'Trang',
  watermark: 'Đầy đủ đến', records: 'Bản ghi', quarantined: 'Bị giữ lại', lastSuccess: 'Lần nhận gần nhất',
  progress: 'Tiến độ', dossier: 'Hồ sơ',
  all: 'Tất cả', delta: 'So với hôm qua', notFound: 'Không có trang này', language: 'English', theme: 'Sáng / tối', lostNote: 'Mất kết nối: số liệu bên dưới không còn cập nhật.', sim: 'mô phỏng',
};
export type Word = keyof typeof vi;

const en: Record<Word, string> = {
  centre: 'Intelligent Operations Center', province: 'Lào Cai province', score: 'Operating score',
  critical: 'Critical', lagging: 'Lagging', stale: 'Stale data', met: 'On target', near: 'Near', missed: 'Missed',
  none: 'No target', fresh: 'Fresh', late: 'Late', absent: 'Source lost', loading: 'Loading', no_source: 'No source yet',
  connecting: 'Connecting', live: 'Live', laggingLink: 'Slow link', lost: 'Link lost',
  incompatible: 'New version, reloading', simulated: 'SIMULATED DATA', target: 'Target', goal: 'Goal', noTarget: 'Statistic',
  old: 'Stale', alerts: 'Alerts', noAlerts: 'No alerts', active: 'open', targetShort: 'goal', metAgain: 'just met',
  lostSince: 'Screen disconnected since', frozen: 'Figures stopped at', retry: 'next try in', trying: 'trying now',
  s: 's', min: 'min', workingDays: 'working days', workingHours: 'working hours', hour: 'h', day: 'd', billion: 'bn ₫', million: 'm ₫', dong: '₫', unshown: 'not shown', newBuild: 'New version', flood: 'Flood', flooding: 'alerts in 10 min', firstOut: 'First', raised: 'alerts',
  key: 'A token is needed', keyHint: 'An administrator gives it; this screen will keep it.', keyWrong: 'The token is wrong, revoked or expired', keyOpen: 'Open', offline: 'Figures of an earlier visit',
  wall: 'Wall', sources: 'Sources', cases: 'Overdue cases', indicators: 'Indicators',
  skip: 'Skip to content', ranking: 'Ranking', name: 'Name', value: 'Value', ratio: 'Numerator / denominator',
  quality: 'Data', schemaDrift: 'Data out of shape', sourceSilent: 'Source silent', profileBroken: 'Profile file wrong', legal: 'Legal source', assumption: 'Reading of the rule', province_level: 'Province',
  district: 'Districts', commune: 'Communes', department: 'Departments', agency: 'Committees',
  sector: 'Sectors', group: 'Tax offices', tier: 'Tiers', period: 'Period', now: 'Now', p_hour: 'Hour', p_day: 'Day', p_month: 'Month', p_year: 'Year',
  empty: 'No data', failed: 'Could not load', again: 'Try again', wait: 'Loading…',
  points: 'pts', noTileType: 'No such tile type', stuck: 'Stuck', loadStuck: 'Load stuck',
  filter: 'Handled at', overdue: 'Overdue', next: 'Next page', page: 'Page',
  watermark: 'Complete up to', records: 'Records', quarantined: 'Quarantined', lastSuccess: 'Last success',
  progress: 'Progress', dossier: 'Dossiers',
  all: 'All', delta: 'Against yesterday', notFound: 'No such page', language: 'Tiếng Việt', theme: 'Light / dark', lostNote: 'Link lost: the figures below are no longer updated.', sim: 'simulated',
};

export type Lang = 'vi' | 'en';
const asked = new URLSearchParams(location.search).get('lang');
export const tongue = $state<{ lang: Lang }>({ lang: asked === 'en' ? 'en' : 'vi' });

export function say(word: Word): string {
  return (tongue.lang === 'en' ? en : vi)[word];
}

const UNITS: [RegExp, string][] = [
  [/^tỉnh$/u, 'province'],
  [/^huyện$/u, 'district'],
  [/^xã$/u, 'commune'],
  [/^Tỉnh (.+)/u, '$1 province'],
  [/^(?:Thành phố|TP) (.+)/u, '$1 city'],
  [/^(?:Thị xã|TX) (.+)/u, '$1 town'],
  [/^Huyện (.+)/u, '$1 district'],
  [/^(?:Thị trấn|TT) (.+)/u, '$1 township'],
  [/^(?:Phường|P\.) (.+)/u, '$1 ward'],
  [/^Xã (.+)/u, '$1 commune'],
  [/^Cơ quan cấp tỉnh/u, 'Provincial agencies'],
  [/^Cơ quan cấp huyện/u, 'District agencies'],
  [/^Cơ quan cấp xã/u, 'Commune agencies'],
  [/^UBND tỉnh\b/u, 'Provincial People’s Committee'],
  [/^UBND (?:thành phố|TP) (.+)/u, 'People’s Committee of $1 city'],
  [/^UBND (?:thị xã|TX) (.+)/u, 'People’s Committee of $1 town'],
  [/^UBND huyện (.+)/u, 'People’s Committee of $1 district'],
  [/^UBND (?:thị trấn|TT) (.+)/u, 'People’s Committee of $1 township'],
  [/^UBND (?:phường|P\.) (.+)/u, 'People’s Committee of $1 ward'],
  [/^UBND xã (.+)/u, 'People’s Committee of $1 commune'],
  [/^Chi cục Thuế khu vực (.+)/u, 'Tax office of $1'],
  [/^Chi cục Thuế (.+)/u, 'Tax office of $1'],
  [/^Cục Thuế tỉnh (.+)/u, '$1 provincial tax office'],
];

/** A unit's name in the tongue of the screen: the proper name stays, the kind of unit is said. */
export function unitName(vietnamese: string): string {
  if (tongue.lang !== 'en') return vietnamese;
  const listed = departmentInEnglish(vietnamese) ?? sectorInEnglish(vietnamese);
  if (listed) return listed;
  for (const [kind, english] of UNITS) if (kind.test(vietnamese)) return vietnamese.replace(kind, english);
  return vietnamese;
}

/** The `_vi` or `_en` text of a thing that carries both. */
export function pick(thing: object, field: string): string {
  const texts = thing as Record<string, string | null | undefined>;
  return texts[`${field}_${tongue.lang}`] || texts[`${field}_vi`] || '';
}
