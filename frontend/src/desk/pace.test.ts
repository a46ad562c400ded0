import { describe, expect, it } from 'vitest';

import { behind, chance, onTheWay } from './pace';
import { columns, points } from './trend';
import { reading } from '../data/made';

describe('pace', () => {
  it('counts whole working days, ahead and behind', () => {
    expect([9.9, 0.4, -0.4, -12.7, null].map(behind)).toEqual([9, 0, 0, -12, null]);
  });
  it('never promises certainty', () => {
    expect([0, 0.009, 0.42, 0.999].map((odds) => chance(odds, 'vi'))).toEqual(['dưới 1\u00a0%', 'dưới 1\u00a0%', '42\u00a0%', 'trên 99\u00a0%']);
    expect(chance(0.001, 'en')).toBe('under 1\u00a0%');
  });
  it('tells met so far from met', () => {
    expect(onTheWay('met', 0.8, 0.9, 'up', true)).toBe(true);
    expect(onTheWay('met', 0.9, 0.9, 'up', true)).toBe(false);
    expect(onTheWay('met', 0.8, 0.9, 'up', false)).toBe(false);
    expect(onTheWay('met', 12, 10, 'down', true)).toBe(true);
    expect(onTheWay('near', 0.8, 0.9, 'up', true)).toBe(false);
  });
});

describe('a trend on its way', () => {
  const pace = { expected: 0.8, lag_days: 4, judged_at: null, since: null, ratio: null, forecast: 0.82, low: 0.8, high: 0.85, odds: 0.2, until: '2022-12-31T23:59:59+07:00', holds: '' as const, way: 'linear' as const, band_years: 0 };
  const close = (day: string, value: number) => reading({ period: 'year', period_start: '2022-01-01', at: `${day}T23:59:59+07:00`, value, target: 0.9, pace: { ...pace, expected: value + 0.05 } });
  const among = points([close('2022-10-01', 0.7), close('2022-10-02', 0.71)], 86400);

  it('draws what was due beside what was', () => {
    const [, values, , due] = columns(among);
    expect(values).toEqual([0.7, 0.71]);
    expect(due).toEqual([0.75, 0.76]);
  });
  it('opens a band from the last value to the deadline', () => {
    const [at, values, targets, due, low, high] = columns(among, pace);
    expect(at.at(-1)).toBe(Date.parse(pace.until) / 1000);
    expect(values).toEqual([0.7, 0.71, null]);
    expect(targets).toEqual([0.9, 0.9, 0.9]);
    expect(due?.at(-1)).toBe(0.9);
    expect(low).toEqual([null, 0.71, 0.8]);
    expect(high).toEqual([null, 0.71, 0.85]);
  });
});
