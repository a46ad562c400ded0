// Periods: their names, and which one an address asks for.

import type { Indicator, Period } from '../data/shapes';
import { say, type Word } from '../data/words.svelte';

export function periodName(period: Period): string {
  return say((period === 'now' ? 'now' : `p_${period}`) as Word);
}

/** The period asked for where the indicator has it, else its first. */
export function periodOf(indicator: Indicator | undefined, asked: string | null): Period {
  const found = indicator?.periods.find((one) => one === asked);
  return found ?? indicator?.periods[0] ?? 'month';
}
