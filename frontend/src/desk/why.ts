// Why: an empty table says what it is waiting for.

import type { Indicator, Quality } from '../data/shapes';
import { store } from '../data/store.svelte';
import { pick } from '../data/words.svelte';
import { tell } from './texts';

export function sourceQuality(indicator: Indicator): Quality {
  const source = store.sources.get(indicator.source);
  return source ? store.sourceQuality(source) : 'no_source';
}

/** Why there are no districts any more, in the words of the map that has none to show. */
export function ended(): string {
  const map = store.scene.map;
  return (map && !map.subjects.length && pick(map, 'note')) || '';
}

/** Why nothing is listed for these subjects of this level. */
export function whyNothing(indicator: Indicator, level: string, subjects: number): string {
  if (!indicator.levels.includes(level)) return tell('notAtLevel');
  if (!subjects) return (level === 'district' && ended()) || tell('noneWithin');
  const quality = sourceQuality(indicator);
  if (quality === 'no_source') return tell('noSource');
  if (quality === 'loading') return tell('stillLoading');
  return quality === 'absent' ? tell('sourceLost') : tell('noPeriod');
}
