// Why: an empty table says what it is waiting for.

import type { Indicator, Quality } from '../data/shapes';
import { store } from '../data/store.svelte';
import { tell } from './texts';

export function sourceQuality(indicator: Indicator): Quality {
  const source = store.sources.get(indicator.source);
  return source ? store.sourceQuality(source) : 'no_source';
}

/** Why nothing is listed for these subjects of this level. */
export function whyNothing(indicator: Indicator, level: string, subjects: number): string {
  if (!indicator.levels.includes(level)) return tell('notAtLevel');
  if (!subjects) return tell('noneWithin');
  const quality = sourceQuality(indicator);
  if (quality === 'no_source') return tell('noSource');
  if (quality === 'loading') return tell('stillLoading');
  return quality === 'absent' ? tell('sourceLost') : tell('noPeriod');
}
