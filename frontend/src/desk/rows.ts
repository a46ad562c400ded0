// Rows: subjects with their readings, ranked and sorted; who has no value comes last either way.

import type { Place } from '../data/scores';
import type { Indicator, Quality, Reading, Subject } from '../data/shapes';

export interface Row {
  subject: Subject;
  name: string;
  reading: Reading | undefined;
  quality: Quality;
  value: number | null;
  /** Towards the good side of the target is positive. */
  ahead: number | null;
  rank: number | null;
  /** Where the share was drawn to the mean of the level: the fair place. */
  fair?: Place | undefined;
}

export const COLUMNS = ['rank', 'name', 'value', 'estimate', 'den', 'target', 'ahead', 'quality'] as const;
export type Column = (typeof COLUMNS)[number];

export function ahead(value: number | null, target: number | null | undefined, better: Indicator['better']): number | null {
  if (value === null || target === null || target === undefined) return null;
  return better === 'up' ? value - target : target - value;
}

/** What is compared: the distance to the target, as targets may differ; else the value. */
function merit(row: Row, better: Indicator['better']): number | null {
  if (row.ahead !== null) return row.ahead;
  return row.value === null ? null : better === 'up' ? row.value : -row.value;
}

/** Place 1 is the best; equals share a place; without a value there is none. */
export function placed(rows: Row[], better: Indicator['better']): Row[] {
  if (rows.some((row) => row.fair?.place)) return rows.map((row) => ({ ...row, rank: row.value === null ? null : (row.fair?.place ?? null) }));
  const merits = rows.map((row) => merit(row, better));
  return rows.map((row, i) => {
    const mine = merits[i] ?? null;
    if (mine === null) return { ...row, rank: null };
    return { ...row, rank: 1 + merits.filter((other) => other !== null && other > mine).length };
  });
}

const QUALITIES: Quality[] = ['fresh', 'late', 'loading', 'stale', 'absent', 'no_source'];

function keyOf(row: Row, column: Column): number | string | null {
  if (column === 'name') return row.name;
  if (column === 'rank' || column === 'value' || column === 'ahead') return row[column];
  if (column === 'estimate') return row.fair?.estimate ?? null;
  if (column === 'quality') return QUALITIES.indexOf(row.quality);
  return row.reading?.[column] ?? null;
}

export function sorted(rows: Row[], column: Column, down: boolean): Row[] {
  const turn = down ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [one, other] = [keyOf(a, column), keyOf(b, column)];
    if (one === null || other === null) return Number(one === null) - Number(other === null) || byName(a, b);
    const differ = typeof one === 'string' ? one.localeCompare(String(other), 'vi') : one - Number(other);
    return differ * turn || byName(a, b);
  });
}

function byName(a: Row, b: Row): number {
  return a.name.localeCompare(b.name, 'vi');
}
