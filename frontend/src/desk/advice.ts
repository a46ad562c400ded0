// Advice: what a person does about a feed in trouble, from what it last said.

import type { Quality, Source } from '../data/shapes';
import type { Text } from './texts';

// The first that fits; what a feed says is in app/ingest and in the collectors.
const SIGNS: [RegExp, Text][] = [
  [/\b40[13]\b|auth|credential|token|password|sign/i, 'doAuth'],
  [/clock is|ahead of ours/i, 'doClock'],
  [/^broken:|expected/i, 'doBroken'],
  [/\b429\b|\b503\b|busy|retry-after/i, 'doBusy'],
  [/timeout|timed out|no page in|too slow|deadline/i, 'doSlow'],
];

export function advice(source: Pick<Source, 'last_error' | 'quarantined'>, quality: Quality, stuck: boolean): Text {
  const said = source.last_error;
  const troubled = stuck || quality === 'stale' || quality === 'absent' || quality === 'late';
  if (said) return SIGNS.find(([sign]) => sign.test(said))?.[1] ?? 'doDown';
  if (stuck) return 'doStuck';
  if (troubled) return 'doSilent';
  return source.quarantined > 0 ? 'doQuarantine' : 'doNothing';
}
