import { describe, expect, it } from 'vitest';

import { reading } from '../data/made';
import { columns, nearest, points } from './trend';

const DAY = 86400;
const close = (day: string, value: number | null, start = '2022-10-01') => reading({ at: `${day}T23:59:59+07:00`, value, period_start: start });

describe('a trend', () => {
  it('has a gap for every day without a close', () => {
    const got = points([close('2022-10-01', 0.9), close('2022-10-04', 0.8)], DAY);
    expect(got.map((p) => p.value)).toEqual([0.9, null, null, 0.8]);
    expect(got.map((p) => new Date((p.at + 7 * 3600) * 1000).toISOString().slice(8, 10))).toEqual(['01', '02', '03', '04']);
  });
  it('keeps a close without a value as a gap', () => {
    expect(columns(points([close('2022-10-01', 0.9), close('2022-10-02', null)], DAY))[1]).toEqual([0.9, null]);
  });
  it('knows the days of Viet Nam: one minute before and after midnight are two days', () => {
    const got = points([reading({ at: '2022-10-01T23:59:00+07:00' }), reading({ at: '2022-10-02T00:01:00+07:00' })], DAY);
    expect(got).toHaveLength(2);
  });
  it('begins a new line with a new month, in the order of time', () => {
    const [at, values] = columns(points([close('2022-10-01', 1), close('2022-09-30', 0.9, '2022-09-01')], DAY));
    expect(values).toEqual([0.9, null, 1]);
    expect(at).toEqual([...at].sort((a, b) => a - b));
  });
  it('never goes on from a province into the larger one it became', () => {
    const of = (subject: string, day: string) => ({ ...close(day, 0.9, '2025-01-01'), period: 'year' as const, subject });
    const [, values] = columns(points([of('area:10', '2025-06-30'), of('area:15@2025', '2025-07-01')], DAY));
    expect(values).toEqual([0.9, null, 0.9]);
  });
  it('does not break the line between days that are periods themselves', () => {
    const day = (date: string) => reading({ period: 'day', period_start: date, at: `${date}T23:59:59+07:00` });
    expect(columns(points([day('2022-10-01'), day('2022-10-02')], DAY))[1]).toEqual([0.9, 0.9]);
  });
  it('finds the point nearest to an instant', () => {
    const got = points([close('2022-10-01', 1), close('2022-10-02', 1)], DAY);
    expect(nearest(got, (got[1]?.at ?? 0) - 100)).toBe(1);
    expect(nearest([], 5)).toBe(0);
  });
});
