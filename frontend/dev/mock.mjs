// Mock: a stand-in for the programming interface with invented figures, for `npm run dev`.
// It answers snapshots and lists and has no live channel: open the screens with `?static`.
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const profile = new URL('../../app/profiles/laocai/', import.meta.url);
const read = (name) => readFileSync(new URL(name, profile), 'utf8');
const csv = (name) => {
  const [head, ...rows] = read(name).trim().split('\n');
  const keys = head.split(',');
  return rows.map((row) => {
    const cells = row.match(/("[^"]*"|[^,]*)(,|$)/g).map((c) => c.replace(/,$/, '').replace(/^"|"$/g, ''));
    return Object.fromEntries(keys.map((key, i) => [key, cells[i]]));
  });
};
const field = (text, key) => {
  const found = text.match(new RegExp(`^${key} = (.*)$`, 'm'))?.[1];
  return found === undefined ? null : JSON.parse(found.replace(/,\s*\]/, ']'));
};
const NOW = '2022-10-03T09:15:00+07:00';
const ago = (s) => new Date(Date.parse(NOW) - s * 1000).toISOString();

const indicators = readdirSync(new URL('indicators/', profile)).map((name) => {
  const text = read(`indicators/${name}`);
  const keys = ['id', 'title_vi', 'title_en', 'label_wall_vi', 'label_wall_en', 'unit', 'decimals', 'better', 'periods', 'levels', 'source', 'legal_source', 'assumption', 'group', 'kind'];
  return Object.fromEntries(keys.map((key) => [key, field(text, key)]));
});
const groups = read('scene.toml').split('[[group]]').slice(1).map((text) => ({
  id: field(text, 'id'),
  title_vi: field(text, 'title_vi'),
  title_en: field(text, 'title_en'),
  tiles: [...text.split('[map]')[0].matchAll(/^ {2}\["(.+)", "(.+)", "(.+)"\]/gm)].map(([, indicator, subject, period], i) => ({ id: `${field(text, 'id')}${i}`, type: 'value', indicator, subject, period })),
}));
const districts = csv('districts_2022.csv').map((d) => ({ id: `area:${d.code}`, level: 'district', name_vi: d.name, short_name: d.name.replace('Thành phố', 'TP').replace('Thị xã', 'TX').replace('Huyện ', ''), parent: 'area:10', row: Number(d.tile_row), col: Number(d.tile_col) }));
const named = (id, level, name_vi, short_name = name_vi) => ({ id, level, name_vi, short_name, parent: null, row: null, col: null });
const subjects = [
  named('area:10', 'province', 'Tỉnh Lào Cai'),
  ...districts,
  named('tier:province', 'tier', 'Cấp tỉnh', 'tỉnh'),
  named('tier:district', 'tier', 'Cấp huyện', 'huyện'),
  named('tier:commune', 'tier', 'Cấp xã', 'xã'),
  ...csv('agencies.csv').filter((a) => a.tier === 'province').map((a) => named(`agency:${a.code}`, 'department', a.name, a.short_name)),
  ...csv('sectors.csv').map((s) => named(`sector:${s.code}`, 'sector', s.name)),
];
const communes = csv('units_2022.csv').map((u) => ({ id: `area:${u.code}`, level: 'commune', name_vi: u.name, short_name: u.name, parent: `area:${u.district ?? u.district_code ?? u.parent}`, row: null, col: null }));

let seed = 7;
const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
const STATES = ['met', 'near', 'lagging', 'critical', 'met', 'met', 'none', 'near'];
function invent(indicator, subject, period, i) {
  const of = indicators.find((one) => one.id === indicator);
  const percent = of.unit === 'percent';
  const value = percent ? 0.55 + random() * 0.44 : of.unit === 'vnd' ? random() * 2e11 : of.unit === 'minutes' ? 5 + random() * 60 : Math.floor(random() * 15000);
  const state = STATES[i % STATES.length];
  const trend = [];
  for (let d = 0, v = value; d < 30; d += 1) trend.unshift((v *= 1 + (random() - 0.5) * 0.05));
  return {
    indicator, subject, period, period_start: '2022-10-01', at: ago(10), value, num: percent ? 128 : null, den: percent ? 136 : null,
    target: state === 'none' ? null : percent ? 0.95 : value * 0.9, state, quality: i === 5 ? 'no_source' : 'fresh',
    watermark: ago(20), source: of.source, reason: null, delta: (random() - 0.4) * value * 0.02, trend,
  };
}
const readings = groups.flatMap((g) => g.tiles).map((t, i) => invent(t.indicator, t.subject, t.period, i));
districts.forEach((d, i) => readings.push(invent('ps.on_time', d.id, 'month', i)));
const source = (id, name_vi, name_en, quality, age, progress) => ({ id, name_vi, name_en, quality, watermark: ago(age), progress, late_after_s: 300, stale_after_s: 900, absent_after_s: 7200, last_error: quality === 'stale' ? 'Máy chủ nguồn trả lời 503' : null, last_success: ago(age), simulated: true, records: 123456, quarantined: 12 });
const mood = process.argv[2] ?? 'mixed';
const sources = [
  source('public_service', 'Dịch vụ công – một cửa', 'Public services', 'fresh', 42, 1),
  mood === 'calm' ? source('documents', 'Văn bản', 'Documents', 'fresh', 20, 1) : source('documents', 'Văn bản', 'Documents', 'stale', 1500, 1),
  mood === 'calm' ? source('einvoice', 'Hóa đơn', 'Invoices', 'fresh', 20, 1) : source('einvoice', 'Hóa đơn điện tử', 'E-invoices', 'loading', 900000, 0.43),
];
const alert = (id, indicator, severity, subject, owner, minutes) => ({ id, indicator, level: 'province', subject, severity, state: 'active', since: ago(minutes * 60), resolved_at: null, value: readings.find((r) => r.indicator === indicator)?.value ?? 0.7, target: 0.95, worst: [], owner, response_vi: null, sent: true });
const alerts = [alert(1, 'ps.fully_online', 'critical', 'area:10', 'Sở Thông tin và Truyền thông', 4), alert(2, 'ps.on_time', 'critical', 'area:085', 'UBND huyện Bắc Hà', 26), ...[3, 4, 5, 6].map((i) => alert(i, 'ps.paid_online', 'lagging', 'area:083', 'UBND huyện Mường Khương', 9 * i))];

const answers = {
  snapshot: () => ({ epoch: 'mock', offset: 1, build: '0.1.0', schema: 1, clock: { data: NOW, rate: 60, real: new Date().toISOString(), simulated: true }, sources, indicators, subjects, scene: { groups, map: { indicator: 'ps.on_time', period: 'month', title_vi: 'Hồ sơ đúng hạn theo địa bàn', title_en: 'On time by district', subjects: districts.map((d) => d.id) } }, readings, alerts, score: null }),
  sources: () => ({ sources }),
  indicators: () => ({ indicators }),
  alerts: () => ({ alerts }),
  subjects: (q) => ({ subjects: [...subjects, ...communes].filter((s) => (!q.get('level') || s.level === q.get('level')) && (!q.get('parent') || s.parent === q.get('parent'))) }),
  'readings/latest': (q) => ({ readings: [...subjects, ...communes].filter((s) => (q.get('subject') ? s.id === q.get('subject') : s.level === q.get('level'))).map((s, i) => invent(q.get('indicator'), s.id, q.get('period') ?? 'month', i)) }),
  'readings/history': (q) => ({ readings: Array.from({ length: 90 }, (_, i) => ({ ...invent(q.get('indicator'), q.get('subject'), q.get('period'), 0), at: ago((90 - i) * 86400) })) }),
  cases: () => ({ cases: Array.from({ length: 30 }, (_, i) => ({ code: `H38.12-221003-${String(i).padStart(4, '0')}`, kind: 'dossier', agency: 'agency:H38.12', sector: 'sector:LV04', opened_at: ago(i * 9e4 + 9e5), due_at: ago(i * 86400), state: 'overdue', overdue_days: i })), total: 184, next: 'x' }),
};

createServer((request, response) => {
  const url = new URL(request.url, 'http://mock');
  const answer = answers[url.pathname.replace('/api/v1/', '')];
  response.writeHead(answer ? 200 : 404, { 'content-type': answer ? 'application/json' : 'application/problem+json' });
  response.end(JSON.stringify(answer ? answer(url.searchParams) : { title: 'Không có', status: 404 }));
}).listen(8127, '127.0.0.1');
