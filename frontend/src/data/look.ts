// Look: what a reading means for the eye. Performance and data quality are two separate channels.

import { ageSeconds, trusted } from './ages';
import { age } from './formats';
import type { Indicator, Quality, Reading, Source, State } from './shapes';
import { store } from './store.svelte';
import { say } from './words.svelte';

type Better = Indicator['better'];
export type Tone = 'calm' | 'near' | 'lagging' | 'critical' | 'data' | 'waiting';

export function tone(state: State, quality: Quality): Tone {
  if (!trusted(quality)) return quality === 'no_source' ? 'waiting' : 'data';
  if (state === 'critical' || state === 'missed') return 'critical';
  if (state === 'lagging') return 'lagging';
  return state === 'near' ? 'near' : 'calm';
}

/** The badge that replaces the target when the data, not the agency, is what needs attention. */
export function badge(quality: Quality, source: Source | undefined, now: number): string {
  if (quality === 'loading') {
    const share = Math.floor((source?.progress ?? 0) * 100);
    return store.stuck(source) ? `${say('loadStuck')} ${share} %` : `${say('loading')} ${share} %`;
  }
  if (quality === 'no_source') return say('no_source');
  const old = ageSeconds(source?.watermark, now);
  if (quality === 'stale') return old === null ? say('old') : `${say('old')} ${age(old)}`;
  if (quality === 'absent') return old === null ? say('absent') : `${say('absent')} ${age(old)}`;
  return '';
}

/** A hold: still called behind, though the target is met again, for too few days to be over. */
export function metAgain(reading: Reading | undefined, quality: Quality, better: Better): boolean {
  if (!reading || reading.value === null || reading.target === null || !trusted(quality)) return false;
  if (reading.state !== 'lagging' && reading.state !== 'critical') return false;
  return better === 'up' ? reading.value >= reading.target : reading.value <= reading.target;
}

export function shown(reading: Reading | undefined, quality: Quality): number | null {
  if (!reading || quality === 'no_source' || quality === 'absent') return null;
  return reading.value;
}
