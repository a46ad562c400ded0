import { expect, test } from 'vitest';

import type { Alert } from '../data/shapes';
import { firstOut, flooded, heaps } from './flood';
import { inTwo } from './names';

const NOW = Date.parse('2022-10-03T09:15:00+07:00');
const ago = (minutes: number): string => new Date(NOW - minutes * 60000).toISOString();
const alert = (id: number, minutes: number, more: Partial<Alert> = {}): Alert => ({
  id, indicator: 'ps.on_time', level: 'province', subject: 'area:10', severity: 'lagging', state: 'active', since: ago(minutes),
  resolved_at: null, value: 1, target: 2, worst: [], owner: 'Sở TT&TT', response_vi: '', sent: true, ...more,
});
const many = (count: number, minutes: number): Alert[] => Array.from({ length: count }, (_, i) => alert(i, minutes));

test('ten within ten minutes are a flood; nine are not, nor ten that stand for hours', () => {
  expect(flooded(many(10, 9), NOW)).toBe(true);
  expect(flooded(many(9, 9), NOW)).toBe(false);
  expect(flooded(many(40, 300), NOW)).toBe(false);
});

test('the first of the burst is named, not what stood before it', () => {
  const open = [alert(1, 600), alert(2, 3), alert(3, 8), alert(4, 8), alert(5, 1)];
  expect(firstOut(open, NOW)?.id).toBe(3);
  expect(firstOut([alert(1, 600)], NOW)).toBeNull();
});

test('heaps are by source and owner, the worst first', () => {
  const open = [alert(1, 5), alert(2, 9), alert(3, 1, { owner: 'Cục Thuế', severity: 'critical' }), alert(4, 2)];
  const found = heaps(open, () => 's', (one) => one.owner ?? '');
  expect(found.map((heap) => [heap.owner, heap.count, heap.severity])).toEqual([['Cục Thuế', 1, 'critical'], ['Sở TT&TT', 3, 'lagging']]);
  expect(found[1]?.since).toBe(ago(9));
});

test.each([
  ['TP Lào Cai', ['TP', 'Lào Cai']],
  ['Sa Pa town', ['Sa Pa', 'town']],
  ['Mường Khương', ['Mường', 'Khương']],
  ['Si Ma Cai', ['Si Ma', 'Cai']],
])('%s is set in two lines', (name, lines) => {
  expect(inTwo(name)).toEqual(lines);
});
