import { describe, expect, it } from 'vitest';

import { reading } from '../data/made';
import type { Quality } from '../data/shapes';
import { ahead, COLUMNS, placed, type Row, sorted } from './rows';

function row(name: string, value: number | null, target: number | null = 0.9, quality: Quality = 'fresh'): Row {
  const subject = { id: name, level: 'district', name_vi: name, short_name: name, parent: null, row: null, col: null };
  return { subject, name, reading: reading({ value, target, den: 10 }), quality, value, ahead: ahead(value, target, 'up'), rank: null };
}
const names = (rows: Row[]): string => rows.map((one) => one.name).join(' ');

describe('a ranking', () => {
  const rows = placed([row('Bảo Yên', 0.8), row('Bắc Hà', null), row('Sa Pa', 0.95), row('Bát Xát', 0.95)], 'up');
  it('gives equals one place and those without a value none', () => {
    expect(rows.map((one) => one.rank)).toEqual([3, null, 1, 1]);
  });
  it('compares by distance where targets differ', () => {
    const got = placed([row('a', 0.9, 0.95), row('b', 0.85, 0.82)], 'up');
    expect(got.map((one) => one.rank)).toEqual([2, 1]);
  });
  it('turns round where less is better', () => {
    const got = placed([{ ...row('a', 5, null) }, { ...row('b', 2, null) }], 'down');
    expect(got.map((one) => one.rank)).toEqual([2, 1]);
    expect(ahead(5, 3, 'down')).toBe(-2);
  });
  it('sorts by every column both ways, the valueless last', () => {
    expect(names(sorted(rows, 'value', false))).toBe('Bảo Yên Bát Xát Sa Pa Bắc Hà');
    expect(names(sorted(rows, 'value', true))).toBe('Bát Xát Sa Pa Bảo Yên Bắc Hà');
    expect(names(sorted(rows, 'name', false))).toBe('Bảo Yên Bát Xát Bắc Hà Sa Pa');
    for (const column of COLUMNS) for (const down of [true, false]) expect(sorted(rows, column, down)).toHaveLength(4);
  });
  it('sorts doubt by how great it is', () => {
    const got = sorted([row('a', 1, 1, 'absent'), row('b', 1, 1, 'fresh'), row('c', 1, 1, 'stale')], 'quality', true);
    expect(names(got)).toBe('a c b');
  });
});
