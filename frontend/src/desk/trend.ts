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

/** What a chart draws: between two periods the line is broken, for each counts from nothing again. */
export function columns(among: Point[]): [number[], (number | null)[], (number | null)[]] {
  const [at, values, targets]: [number[], (number | null)[], (number | null)[]] = [[], [], []];
  let before: Point | null = null;
  for (const point of among) {
    if (before && anew(before, point)) {
      at.push((before.at + point.at) / 2);
      values.push(null);
      targets.push(point.target);
    }
    at.push(point.at);
    values.push(point.value);
    targets.push(point.target);
    before = point;
  }
  return [at, values, targets];
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
