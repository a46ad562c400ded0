import { expect, test } from 'vitest';

import type { SceneGroup } from '../data/shapes';
import { laid, pageAsked, rowsOf } from './pages';

const group = (id: string, count: number): SceneGroup => ({
  id, title_vi: id, title_en: id,
  tiles: Array.from({ length: count }, (_, at) => ({ id: `${id}${String(at)}`, type: 'value', indicator: 'i', subject: 's', period: 'day' })),
});

test('every tile has a place, six in a row', () => {
  const rows = rowsOf([group('a', 6), group('b', 13), group('c', 1)]);
  expect(rows.map((row) => [row.group.id, row.tiles.length])).toEqual([['a', 6], ['b', 6], ['b', 6], ['b', 1], ['c', 1]]);
  expect(new Set(rows.map((row) => row.id)).size).toBe(5);
  expect(rows.map((row) => row.nth)).toEqual([1, 1, 2, 3, 1]);
});

test('up to four rows are one page; more are pages of like size', () => {
  for (const rows of [0, 1, 2, 3, 4]) expect(laid(rows, false)).toEqual({ pages: 1, across: 1, down: Math.max(1, rows), tight: rows > 3 });
  expect(laid(5, false)).toEqual({ pages: 2, across: 1, down: 3, tight: false });
  expect(laid(34, false)).toEqual({ pages: 9, across: 1, down: 4, tight: true });
});

test('all at once there is room for every row, none smaller than it must be', () => {
  for (let rows = 1; rows < 200; rows += 1) {
    const { across, down } = laid(rows, true);
    expect(across * down).toBeGreaterThanOrEqual(rows);
    expect(down).toBeLessThanOrEqual(4 * across);
    expect(4 * (across - 1) ** 2).toBeLessThan(rows);
  }
});

test('the address asks for one page, for all of them, or for a turn of each', () => {
  expect(['', '?page=3', '?page=all', '?page=0', '?page=x', '?page=1.5'].map(pageAsked)).toEqual([null, 3, 'all', null, null, null]);
});
