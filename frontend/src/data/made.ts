// Made: small snapshots and readings for the tests of the data room.

import type { Reading, Snapshot, Source } from './shapes';

export const AT = '2022-10-03T09:00:00+07:00';
export const CLOCK = { data: AT, rate: 1, real: AT, simulated: true };

export function source(changes: Partial<Source> = {}): Source {
  return {
    id: 'ps', name_vi: 'Một cửa', name_en: 'One-stop shop', quality: 'fresh', watermark: AT, progress: 1,
    late_after_s: 300, stale_after_s: 900, absent_after_s: 7200, last_error: null, last_success: AT,
    simulated: true, owner: '', records: 1, pages: 1, quarantined: 0, ...changes,
  };
}

export function reading(changes: Partial<Reading> = {}): Reading {
  return {
    indicator: 'ps.on_time', subject: 'area:10', period: 'month', period_start: '2022-10-01', at: AT, value: 0.9,
    num: 9, den: 10, target: 0.95, state: 'near', quality: 'fresh', watermark: AT, source: 'ps', reason: '', ...changes,
  };
}

export function snapshot(changes: Partial<Snapshot> = {}): Snapshot {
  return {
    epoch: 'e', offset: 5, build: '1', schema: 1, clock: CLOCK, sources: [source()], indicators: [],
    subjects: [{ id: 'area:10', level: 'province', name_vi: 'Tỉnh Lào Cai', short_name: 'Lào Cai', parent: null, row: null, col: null }],
    scene: { groups: [], map: null }, readings: [reading()], alerts: [], score: null, ...changes,
  };
}
