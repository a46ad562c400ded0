// Words: the two languages of the screens; `?lang=en` chooses English.

import { departmentInEnglish } from './departments';
import { sectorInEnglish } from './sectors';

const vi = {
  centre: 'Trung tâm Giám sát, điều hành thông minh', province: 'tỉnh Lào Cai', score: 'Điểm điều hành',
  critical: 'Nghiêm trọng', lagging: 'Chậm', stale: 'Dữ liệu cũ', met: 'Đạt', near: 'Gần đạt', missed: 'Không đạt',
  none: 'Chưa giao', fresh: 'Mới', late: 'Trễ', absent: 'Mất nguồn', loading: 'Đang nạp', no_source: 'Chưa có nguồn',
  connecting: 'Đang kết nối', live: 'Trực tiếp', laggingLink: 'Kết nối chậm', lost: 'Mất kết nối',
  incompatible: 'Phiên bản mới, đang tải lại', simulated: 'DỮ LIỆU MÔ PHỎNG', target: 'Mục tiêu', goal: 'Đích', noTarget: 'Thống kê',
  old: 'Cũ', alerts: 'Cảnh báo', noAlerts: 'Không có cảnh báo', active: 'đang mở', targetShort: 'đích',
  lostSince: 'Màn hình mất kết nối từ', frozen: 'Số liệu dừng tại', retry: 'thử lại sau', trying: 'đang thử lại',
  s: 's', min: 'phút', hour: 'giờ', day: 'ngày', billion: 'tỷ đ', million: 'triệu đ', dong: 'đ', more: 'cảnh báo khác', unshown: 'chưa hiện', newBuild: 'Phiên bản mới', flood: 'Dồn dập', flooding: 'cảnh báo trong 10 phút', firstOut: 'Gốc', raised: 'cảnh báo',
  desk: 'Bàn điều hành', wall: 'Màn hình lớn', sources: 'Nguồn dữ liệu', cases: 'Hồ sơ quá hạn', indicators: 'Chỉ số',
  skip: 'Tới nội dung', ranking: 'Xếp hạng', name: 'Tên', value: 'Giá trị', ratio: 'Tử số / mẫu số', state: 'Trạng thái',
  quality: 'Dữ liệu', history: 'Diễn biến', legal: 'Căn cứ', assumption: 'Cách hiểu', province_level: 'Toàn tỉnh',
  district: 'Huyện, thị xã, thành phố', commune: 'Xã, phường, thị trấn', department: 'Sở, ban, ngành', agency: 'UBND huyện, xã',
  sector: 'Lĩnh vực', group: 'Đơn vị thuế', tier: 'Cấp', period: 'Kỳ', now: 'Hiện tại', p_hour: 'Giờ', p_day: 'Ngày', p_month: 'Tháng', p_year: 'Năm',
  empty: 'Không có dữ liệu', failed: 'Không tải được', again: 'Thử lại', unknown: 'Không có chỉ số này', wait: 'Đang tải…',
  gap: 'Chênh lệch', points: 'điểm %', noTileType: 'Chưa có kiểu ô này', stuck: 'Đứng lại', loadStuck: 'Nạp đứng lại',
  code: 'Mã', office: 'Cơ quan', filter: 'Nơi xử lý', opened: 'Tiếp nhận', due: 'Hạn trả', overdue: 'Quá hạn', total: 'Tổng số', next: 'Trang sau', first: 'Trang đầu',
  watermark: 'Đầy đủ đến', records: 'Bản ghi', quarantined: 'Bị giữ lại', lastSuccess: 'Lần nhận gần nhất', lastError: 'Lỗi gần nhất',
  age: 'Tuổi', progress: 'Tiến độ', kind: 'Loại', dossier: 'Hồ sơ', document_in: 'Văn bản đến', work_file: 'Hồ sơ công việc',
  all: 'Tất cả', back: 'Toàn tỉnh', delta: 'So với hôm qua', at: 'Tại', from: 'trên', median: 'trung vị của', notFound: 'Không có trang này', language: 'English', theme: 'Sáng / tối', lostNote: 'Mất kết nối: số liệu bên dưới không còn cập nhật.', sim: 'mô phỏng', below: 'dưới mục tiêu',
};
export type Word = keyof typeof vi;

const en: Record<Word, string> = {
  centre: 'Intelligent Operations Center', province: 'Lào Cai province', score: 'Operating score',
  critical: 'Critical', lagging: 'Lagging', stale: 'Stale data', met: 'On target', near: 'Near', missed: 'Missed',
  none: 'No target', fresh: 'Fresh', late: 'Late', absent: 'Source lost', loading: 'Loading', no_source: 'No source yet',
  connecting: 'Connecting', live: 'Live', laggingLink: 'Slow link', lost: 'Link lost',
  incompatible: 'New version, reloading', simulated: 'SIMULATED DATA', target: 'Target', goal: 'Goal', noTarget: 'Statistic',
  old: 'Stale', alerts: 'Alerts', noAlerts: 'No alerts', active: 'open', targetShort: 'goal',
  lostSince: 'Screen disconnected since', frozen: 'Figures stopped at', retry: 'next try in', trying: 'trying now',
  s: 's', min: 'min', hour: 'h', day: 'd', billion: 'bn ₫', million: 'm ₫', dong: '₫', more: 'more alerts', unshown: 'not shown', newBuild: 'New version', flood: 'Flood', flooding: 'alerts in 10 min', firstOut: 'First', raised: 'alerts',
  desk: 'Desk', wall: 'Wall', sources: 'Sources', cases: 'Overdue cases', indicators: 'Indicators',
  skip: 'Skip to content', ranking: 'Ranking', name: 'Name', value: 'Value', ratio: 'Numerator / denominator', state: 'State',
  quality: 'Data', history: 'History', legal: 'Legal source', assumption: 'Reading of the rule', province_level: 'Province',
  district: 'Districts', commune: 'Communes', department: 'Departments', agency: 'Committees',
  sector: 'Sectors', group: 'Tax offices', tier: 'Tiers', period: 'Period', now: 'Now', p_hour: 'Hour', p_day: 'Day', p_month: 'Month', p_year: 'Year',
  empty: 'No data', failed: 'Could not load', again: 'Try again', unknown: 'No such indicator', wait: 'Loading…',
  gap: 'Gap', points: 'pts', noTileType: 'No such tile type', stuck: 'Stuck', loadStuck: 'Load stuck',
  code: 'Code', office: 'Agency', filter: 'Handled at', opened: 'Received', due: 'Due', overdue: 'Overdue', total: 'Total', next: 'Next page', first: 'First page',
  watermark: 'Complete up to', records: 'Records', quarantined: 'Quarantined', lastSuccess: 'Last success', lastError: 'Last error',
  age: 'Age', progress: 'Progress', kind: 'Kind', dossier: 'Dossiers', document_in: 'Incoming documents', work_file: 'Work files',
  all: 'All', back: 'Whole province', delta: 'Against yesterday', at: 'At', from: 'of', median: 'median of', notFound: 'No such page', language: 'Tiếng Việt', theme: 'Light / dark', lostNote: 'Link lost: the figures below are no longer updated.', sim: 'simulated', below: 'below target',
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
