// Change: what a figure did since yesterday's close, in the unit the figure beside it is said in.

import { inWords, number } from '../../data/formats';
import type { Indicator } from '../../data/shapes';

export interface Change {
  text: string;
  worse: boolean;
}

type Measured = Pick<Indicator, 'unit' | 'decimals' | 'better'>;

export function change(value: number | null, by: number | null | undefined, indicator: Measured): Change | null {
  if (value === null || by === null || by === undefined) return null;
  const said = size(value, Math.abs(by), indicator);
  // What rounds to nothing has not moved: an arrow beside 0,0 would say otherwise.
  if (!/[1-9]/.test(said)) return { text: `→ ${said}`, worse: false };
  return { text: `${by > 0 ? '↗' : '↘'} ${said}`, worse: indicator.better === 'up' ? by < 0 : by > 0 };
}

function size(value: number, by: number, { unit, decimals }: Measured): string {
  if (unit === 'percent') return number(by * 100, Math.min(decimals, 1));
  if (unit === 'vnd') {
    const scale = Math.abs(value) >= 1e9 ? 1e9 : Math.abs(value) >= 1e6 ? 1e6 : 1;
    const scaled = by / scale;
    // Far beyond the unit beside it, the change brings its own, without saying đồng twice.
    return scaled < 1000 ? number(scaled, scaled >= 100 || scale === 1 ? 0 : 1) : inWords(by, { unit, decimals }).replace(/ ?[đ₫]$/u, '');
  }
  return number(by, unit === 'count' && Number.isInteger(by) ? 0 : decimals);
}
