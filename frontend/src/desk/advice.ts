// Advice: what a person does about a feed in trouble, from what it last said.

import type { Quality, Source } from '../data/shapes';
import type { Text } from './texts';

// The first that fits; what a feed says is in app/ingest and in the collectors.
const SIGNS: [RegExp, Text][] = [
  [/^broken:/, 'doBroken'],
  [/clock is \d/, 'doClock'],
  [/\b(?:HTTP|answers) 429\b/, 'doBusy'],
  [/\b(?:HTTP|answers) 5\d\d\b/, 'doDown'],
  [/\b(?:HTTP|answers) 40[137]\b|error_code|credential|password|client_id|secret/, 'doAuth'],
  [/no whole answer|no page in|timeout/i, 'doSlow'],
];

export function advice(source: Pick<Source, 'last_error' | 'quarantined'>, quality: Quality, stuck: boolean): Text {
  const said = source.last_error;
  const troubled = stuck || quality === 'stale' || quality === 'absent' || quality === 'late';
  if (said) return SIGNS.find(([sign]) => sign.test(said))?.[1] ?? 'doDown';
  if (stuck) return 'doStuck';
  if (troubled) return 'doSilent';
  return source.quarantined > 0 ? 'doQuarantine' : 'doNothing';
}
