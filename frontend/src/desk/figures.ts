// Figures: what a reading says besides its value: how much it counted and how far it is from its target.

import { inWords, number } from '../data/formats';
import type { Indicator, Quality, Reading } from '../data/shapes';
import { say } from '../data/words.svelte';
import { tell } from './texts';

/** Of a feed that is gone nothing is shown as if it still held. */
export function hidden(quality: Quality): boolean {
  return quality === 'absent' || quality === 'no_source';
}

/** "128 / 136" of a ratio, "n = 40" of a quantile. */
export function counted(reading: Reading | undefined, indicator: Indicator): string {
  if (!reading || reading.den === null) return '–';
  if (indicator.kind === 'quantile') return `n = ${number(reading.den, 0)}`;
  return reading.num === null ? '–' : `${number(reading.num, 0)} / ${number(reading.den, 0)}`;
}

/** Value minus target, signed; percentages differ by points. */
export function distance(value: number | null, target: number | null | undefined, indicator: Indicator): string {
  if (value === null || target === null || target === undefined) return '–';
  const short = value - target;
  const sign = short > 0 ? '+' : '';
  if (indicator.unit === 'percent') return `${sign}${number(short * 100, indicator.decimals)} ${say('points')}`;
  return `${sign}${inWords(short, indicator)}`;
}

/** The same as a sentence, in the tongue of the screen. */
export function verdict(value: number | null, target: number | null | undefined, indicator: Indicator): string {
  if (value === null || target === null || target === undefined) return '';
  const short = indicator.better === 'up' ? target - value : value - target;
  // A shortfall of less than a tenth is still said.
  const points = Math.abs(short) * 100;
  const size = indicator.unit === 'percent' ? `${number(points, points < 0.05 ? 2 : 1)} ${say('points')}` : inWords(Math.abs(short), indicator);
  // What rounds to nothing is said as nothing.
  if (short <= 1e-12) return Math.abs(short) < (indicator.unit === 'percent' ? 5e-5 : 1e-9) ? say('met') : `${tell('onTargetBy')} ${size}`;
  return `${tell(indicator.better === 'up' ? 'shortBy' : 'worseBy')} ${size}`;
}
