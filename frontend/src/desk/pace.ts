// Pace: numbers about the way to a yearly target, in words that promise no more than is known.

import type { State } from '../data/shapes';

/** Whole working days behind; below zero: ahead. A part of a day does not count. */
export function behind(lagDays: number | null): number | null {
  return lagDays === null ? null : Math.trunc(lagDays) + 0;
}

/** A chance as a percentage; a forecast knows no certainty. */
export function chance(odds: number, lang: string): string {
  if (odds < 0.01) return `${lang === 'en' ? 'under' : 'dưới'} 1\u00a0%`;
  if (odds > 0.99) return `${lang === 'en' ? 'over' : 'trên'} 99\u00a0%`;
  return `${Math.round(odds * 100)}\u00a0%`;
}

/** Met so far is not met: on its way, the goal of the year still to come. */
export function onTheWay(state: State, value: number | null, target: number | null, better: 'up' | 'down', paced: boolean): boolean {
  if (!paced || state !== 'met' || value === null || target === null) return false;
  return better === 'up' ? value < target : value > target;
}
