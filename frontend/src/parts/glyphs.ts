// Glyphs: which shape says which state; no two states share one, so that colour is never alone.

import type { Quality, State } from '../data/shapes';

export type GlyphKind = 'near' | 'lagging' | 'critical' | 'missed' | 'late' | 'stale' | 'absent' | 'loading' | 'stuck' | 'no_source';

const OF_STATE: Partial<Record<State, GlyphKind>> = { near: 'near', lagging: 'lagging', critical: 'critical', missed: 'missed' };

/** What the figure itself deserves to be marked with; data nobody can judge is marked as such instead. */
export function glyphOf(state: State, quality: Quality, stuck = false): GlyphKind | null {
  if (quality === 'stale' || quality === 'absent' || quality === 'no_source') return quality;
  if (quality === 'loading' && stuck) return 'stuck';
  return OF_STATE[state] ?? null;
}
