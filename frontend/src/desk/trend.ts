// Trend: kept readings as columns over time; a day without a close stays a gap, a new period begins a new line.

import type { Reading } from '../data/shapes';

const OFFSET_S = 7 * 3600;

export interface Point {
  /** Seconds since 1970. */
  at: number;
  value: number | null;
  target: number | null;
  /** Absent where nothing was kept. */
  reading?: Reading;
}

/** One point for every step from the first reading to the last, in the order of time. */
export function points(readings: Reading[], stepS: number): Point[] {
  const found: Point[] = [];
  let before: { slot: number; period: string | null } | null = null;
  for (const reading of [...readings].sort((a, b) => Date.parse(a.at) - Date.parse(b.at))) {
    const at = Date.parse(reading.at) / 1000;
    const slot = Math.floor((at + OFFSET_S) / stepS);
    if (before) for (let missing = before.slot + 1; missing < slot; missing += 1) found.push(empty((missing + 0.5) * stepS - OFFSET_S));
    before = { slot, period: reading.period_start };
    found.push({ at, value: reading.value, target: reading.target, reading });
  }
  return found;
}

function empty(at: number): Point {
  return { at, value: null, target: null };
}

/** Instants; values, targets, what was due, and the two ends of the forecast's band at each. */
export type Columns = [number[], ...(number | null)[][]] & { length: 6 };

/** What a chart draws: between two periods the line is broken, for each counts from nothing again. */
export function columns(among: Point[], ahead?: Reading['pace']): Columns {
  const rows: [number, ...(number | null)[]][] = [];
  let before: Point | null = null;
  for (const point of among) {
    if (before && anew(before, point)) rows.push([(before.at + point.at) / 2, null, point.target, null, null, null]);
    rows.push([point.at, point.value, point.target, point.reading?.pace?.expected ?? null, null, null]);
    before = point;
  }
  const last = rows.at(-1);
  const until = ahead?.until ? Date.parse(ahead.until) / 1000 : 0;
  if (last && ahead && ahead.low !== null && ahead.high !== null && until > last[0] && before && before.value !== null) {
    last[4] = last[5] = before.value;
    rows.push([until, null, before.target, before.target, ahead.low, ahead.high]);
  }
  return [0, 1, 2, 3, 4, 5].map((column) => rows.map((row) => row[column] ?? null)) as unknown as Columns;
}

/** Days and hours are one point each; months and years go on for many. */
function anew(before: Point, point: Point): boolean {
  const [old, young] = [before.reading, point.reading];
  if (!old || !young) return false;
  // A province that became a larger one is another subject: its line never goes on in the old one.
  if (old.subject !== young.subject) return true;
  return (young.period === 'month' || young.period === 'year') && old.period_start !== young.period_start;
}

/** The point nearest to an instant. */
export function nearest(among: Point[], at: number): number {
  let best = 0;
  among.forEach((point, i) => {
    if (Math.abs(point.at - at) < Math.abs((among[best]?.at ?? Infinity) - at)) best = i;
  });
  return best;
}
