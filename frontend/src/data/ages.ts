// Ages: how old a source's figures are and what that makes of them, judged by the screen itself.

import type { Clock, Quality, Source } from './shapes';

/** Data time now: the last clock received, carried on by the browser's own monotonic timer. */
export function dataTime(clock: Clock, receivedAt: number, now: number): number {
  return Date.parse(clock.data) + (now - receivedAt) * clock.rate;
}

/** An instant as the server writes them. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

export function ageSeconds(watermark: string | null | undefined, dataNow: number): number | null {
  const ms = watermark ? Date.parse(watermark) : NaN;
  return Number.isNaN(ms) ? null : Math.max(0, (dataNow - ms) / 1000);
}

/** An age on a tile moves on by so much at a time. */
const AGE_STEP_S = 5;

/** Rounded down: two hundred seconds that tick are no news, and a change may have to wait for each. */
export function stepped(seconds: number | null): number | null {
  return seconds === null ? null : seconds - (seconds % AGE_STEP_S);
}

const RANK: Quality[] = ['fresh', 'late', 'stale', 'absent'];
const WORSE: Quality[] = ['fresh', 'late', 'loading', 'stale', 'absent', 'no_source'];

/** The one of two qualities that asks for more doubt. */
export function worse(one: Quality, other: Quality): Quality {
  return WORSE.indexOf(other) > WORSE.indexOf(one) ? other : one;
}

/** The worse of what the server said and what the screen sees: silence can only make it older. */
export function judge(source: Source | undefined, said: Quality, dataNow: number, rate: number): Quality {
  if (!source || !RANK.includes(said)) return said;
  const age = ageSeconds(source.watermark, dataNow);
  // Two seconds of real time are no delay, however fast data time runs.
  const over = (limit: number): boolean => age !== null && age > Math.max(limit, 2 * rate);
  let seen: Quality = 'fresh';
  if (over(source.absent_after_s)) seen = 'absent';
  else if (over(source.stale_after_s)) seen = 'stale';
  else if (over(source.late_after_s)) seen = 'late';
  return RANK.indexOf(seen) > RANK.indexOf(said) ? seen : said;
}

/** Values that may still be shown as judged: a stale good value is never drawn good. */
export function trusted(quality: Quality): boolean {
  return quality === 'fresh' || quality === 'late' || quality === 'loading';
}
