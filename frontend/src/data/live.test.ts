import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Channel, type Kept, type Wire, type World } from './live';
import { AT, CLOCK, reading, snapshot, source } from './made';
import type { Frame } from './shapes';
import { Store } from './store.svelte';

interface Dialled extends Wire {
  place: { epoch: string; offset: number } | null;
  closed: boolean;
}

let store: Store;
let calls: Dialled[];
let channel: Channel;
let reloads: number;
let lucky: number;
let alive: boolean;
let asleep: number;
let idle: number;
let kept: Kept | null;
let first: () => Promise<ReturnType<typeof snapshot>>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'] });
  [store, calls, reloads, lucky, alive] = [new Store(), [], 0, 1, true];
  [asleep, idle, kept] = [0, Infinity, null];
  first = () => Promise.resolve(snapshot());
  const world: World = {
    dial: (place) => {
      const wire: Dialled = { place, closed: false, open: true, onmessage: null, onclose: null, close: () => (wire.closed = true) };
      calls.push(wire);
      return wire;
    },
    snapshot: () => first(),
    answers: () => Promise.resolve(alive),
    reload: () => (reloads += 1),
    lastReload: () => 0,
    later: (ms, step) => {
      const timer = setTimeout(step, ms);
      return () => clearTimeout(timer);
    },
    soon: (step) => setTimeout(step, 16),
    now: () => performance.now(),
    wall: () => Date.now() + asleep,
    idle: () => idle,
    keep: (data) => (kept = data && { snapshot: data, ageMs: 0 }),
    kept: () => kept,
    chance: () => lucky,
  };
  channel = new Channel(store, world);
});
afterEach(() => vi.useRealTimers());

function last(): Dialled {
  const found = calls.at(-1);
  if (!found) throw new Error('nothing was dialled');
  return found;
}
function send(frame: Frame): void {
  last().onmessage?.({ data: JSON.stringify(frame) });
}
const hello = (build = '1', schema = 1): Frame => ({ t: 'hello', epoch: 'e', offset: 5, build, schema, server_time: AT, clock: CLOCK });
const beat: Frame = { t: 'beat', offset: 5, server_time: AT, clock: CLOCK, sources: [] };
/** Time passes as in a browser: with the channel's own watch every quarter of a second. */
function pass(ms: number, each: () => void = () => undefined): void {
  for (let t = 0; t < ms; t += 250) {
    vi.advanceTimersByTime(250);
    each();
    channel.watch();
  }
}

describe('the link', () => {
  it('is live with beats, lags after 2 s and is lost after 4 s of silence', async () => {
    await channel.begin();
    send(hello());
    pass(1000, () => send(beat));
    expect(store.link).toBe('live');
    pass(2500);
    expect(store.link).toBe('lagging');
    pass(2000);
    expect(store.link).toBe('lost');
  });
  it('gives its place when it dials again, and none before it has one', async () => {
    first = () => Promise.reject(new Error('503'));
    await channel.begin();
    expect(last().place).toBeNull();
    expect(store.linkError).toBe('503');
    send({ t: 'snapshot', data: snapshot() });
    send({ t: 'delta', offset: 8, readings: [] });
    last().onclose?.();
    vi.advanceTimersByTime(60_000);
    expect(calls).toHaveLength(2);
    expect(last().place).toEqual({ epoch: 'e', offset: 8 });
  });
  it('takes a socket that is open and silent for dead', async () => {
    await channel.begin();
    send(beat);
    pass(9000);
    expect(calls[0]?.closed).toBe(true);
    pass(2000);
    expect(calls.length).toBeGreaterThan(1);
  });
  it('hears nothing from a wire it has hung up', async () => {
    await channel.begin();
    const old = last();
    old.onclose?.();
    vi.advanceTimersByTime(60_000);
    old.onmessage?.({ data: JSON.stringify({ t: 'delta', offset: 99 }) });
    expect(store.offset).toBe(5);
  });
  it('dials again after half a frame', async () => {
    await channel.begin();
    last().onmessage?.({ data: '{"t":"delta","offs' });
    vi.advanceTimersByTime(60_000);
    expect(last().place).toEqual({ epoch: 'e', offset: 5 });
    expect(calls).toHaveLength(2);
  });
});

describe('the pause before dialling', () => {
  it('is drawn from the whole span, which doubles up to half a minute and stays there for ever', () => {
    const most = Array.from({ length: 2000 }, () => channel.backoff());
    expect(most.slice(0, 4)).toEqual([800, 1300, 2300, 4300]);
    expect(Math.max(...most)).toBe(30_300);
    expect(most.at(-1)).toBe(30_300);
    lucky = 0;
    expect(channel.backoff()).toBe(300);
    lucky = 0.5;
    expect(channel.backoff()).toBe(15_300);
  });
  it('is short again only after a beat: a server that greets and hangs up is not hammered', async () => {
    await channel.begin();
    for (let turn = 0; turn < 8; turn += 1) {
      send(hello());
      last().onclose?.();
      vi.advanceTimersByTime(60_000);
    }
    expect(channel.backoff()).toBe(30_300);
    send(beat);
    expect(channel.backoff()).toBe(800);
  });
  it('never ends: a day without a server is a day of trying', async () => {
    await channel.begin();
    alive = false;
    for (let hour = 0; hour < 24; hour += 1) {
      const before = calls.length;
      for (let t = 0; t < 3600; t += 31) {
        last().onclose?.();
        vi.advanceTimersByTime(31_000);
      }
      expect(calls.length - before).toBeGreaterThan(100);
    }
  });
});

describe('a reset', () => {
  it('is not live until the snapshot that follows', async () => {
    await channel.begin();
    pass(500, () => send(beat));
    send({ t: 'reset', reason: 'history is gone' });
    pass(500, () => send(beat));
    expect(store.link).toBe('connecting');
    send({ t: 'snapshot', data: snapshot({ offset: 70 }) });
    pass(500, () => send(beat));
    expect(store.link).toBe('live');
    expect(store.offset).toBe(70);
  });
  it('without a snapshot is asked for again', async () => {
    await channel.begin();
    send({ t: 'reset', reason: 'history is gone' });
    pass(46_000, () => last().onmessage?.({ data: JSON.stringify(beat) }));
    expect(calls.length).toBeGreaterThan(1);
  });
});

describe('another version', () => {
  const strange: Frame = { t: 'delta', offset: 9, readings: [reading({ value: 0.1 })] };
  it.each([
    ['build', hello('2')],
    ['schema', hello('1', 2)],
    ['snapshot', { t: 'snapshot', data: snapshot({ build: '2', readings: [] }) } satisfies Frame],
  ])('by its %s shows nothing more and loads the page again once', async (_, frame) => {
    await channel.begin();
    send(frame);
    send(strange);
    send({ t: 'snapshot', data: snapshot({ readings: [] }) });
    send(hello());
    last().onclose?.();
    pass(60_000);
    expect(store.link).toBe('incompatible');
    expect(store.reading('ps.on_time', 'area:10', 'month')?.value).toBe(0.9);
    expect(reloads).toBe(1);
  });
  it('is refused in the first snapshot too', async () => {
    first = () => Promise.resolve(snapshot({ schema: 2 }));
    await channel.begin();
    expect(store.loaded).toBe(false);
    expect(store.link).toBe('incompatible');
  });
});

describe('a link that stays lost for ten minutes', () => {
  it.each([
    ['loads the page again where the server answers', true, 1],
    ['keeps the old page where it does not', false, 0],
  ])('%s', async (_, answers, times) => {
    alive = answers;
    await channel.begin();
    send(beat);
    for (let s = 0; s < 605; s += 5) {
      pass(5000);
      await Promise.resolve();
    }
    expect(reloads).toBe(times);
  });
});

describe('what the server says when it closes', () => {
  it('is not dialled again before the time it asks for', async () => {
    await channel.begin();
    send({ t: 'error', code: 1013, reason: 'too many clients', retry_after_s: 12 });
    last().onclose?.(1013);
    vi.advanceTimersByTime(12_000);
    expect(calls).toHaveLength(1);
    vi.advanceTimersByTime(1000);
    expect(calls).toHaveLength(2);
    // It was asked for once.
    last().onclose?.(1006);
    vi.advanceTimersByTime(2000);
    expect(calls).toHaveLength(3);
  });
  it('of other subjects: what was held is not read on', async () => {
    await channel.begin();
    last().onclose?.(4403);
    vi.advanceTimersByTime(1000);
    expect(last().place).toBeNull();
  });
  it.each([4401, 4402])('%i asks for a token, forgets what was kept, and tries now and then', async (code) => {
    kept = { snapshot: snapshot(), ageMs: 0 };
    await channel.begin();
    send(beat);
    last().onclose?.(code);
    expect(store.locked).toBe(true);
    expect(kept).toBeNull();
    vi.advanceTimersByTime(29_000);
    expect(calls).toHaveLength(1);
    vi.advanceTimersByTime(32_000);
    expect(calls).toHaveLength(2);
    send(beat);
    expect(store.locked).toBe(false);
  });
  it('of another version: the page is loaded anew', async () => {
    await channel.begin();
    last().onclose?.(4406);
    expect(store.link).toBe('incompatible');
    pass(5000);
    expect(reloads).toBe(1);
  });
  it.each([1001, 1006, 1008, 1011, 1012, 3999, 4404])('%i never ends the trying', async (code) => {
    await channel.begin();
    for (let turn = 1; turn < 20; turn += 1) {
      last().onclose?.(code);
      vi.advanceTimersByTime(62_000);
      expect(calls).toHaveLength(turn + 1);
    }
  });
});

describe('an upgrade', () => {
  it('waits for a minute in which nobody touches the page, and for five minutes at most', async () => {
    await channel.begin();
    idle = 0;
    send(hello('2'));
    pass(30_000);
    expect(reloads).toBe(0);
    idle = 61_000;
    pass(2000);
    expect(reloads).toBe(1);
  });
  it('is taken up after five minutes of work too', async () => {
    await channel.begin();
    idle = 0;
    send(hello('2'));
    pass(298_000);
    expect(reloads).toBe(0);
    pass(6000);
    expect(reloads).toBe(1);
  });
});

describe('clocks', () => {
  const HOUR = 3_600_000;
  const hour = (hours: number): string => new Date(Date.parse(AT) + hours * HOUR).toISOString();
  it.each([-24, 0, 24])('of a browser that is %i hours off change no age', async (off) => {
    asleep = off * HOUR;
    vi.setSystemTime(Date.parse(AT) + off * HOUR);
    first = () => Promise.resolve(snapshot({ sources: [source({ watermark: hour(-0.05) })] }));
    await channel.begin();
    pass(20_000, () => send(beat));
    send({ ...beat, clock: { ...CLOCK, data: hour(0.05) }, sources: [] });
    channel.watch();
    expect(store.now).toBe(Date.parse(hour(0.05)));
    expect(store.sourceQuality(store.sources.get('ps') ?? source())).toBe('late');
    expect(Math.abs(store.silentSince - Date.parse(AT))).toBeLessThan(10_000);
    expect(store.retryAt - store.wallNow).toBeLessThan(31_000);
  });
  it('that jump while the page looks change none either: the link is asked at once', async () => {
    await channel.begin();
    pass(1000, () => send(beat));
    const shown = store.now;
    asleep = HOUR;
    pass(750);
    send(beat);
    pass(250);
    expect(store.link).toBe('live');
    expect(store.now - shown).toBeLessThan(2000);
    expect(calls.length).toBe(2);
  });
  it('that stood still while the machine slept for eight hours: lost at once, and live by itself', async () => {
    await channel.begin();
    pass(2000, () => send(beat));
    expect(store.link).toBe('live');
    asleep = 8 * HOUR;
    channel.watch();
    expect(store.link).toBe('lost');
    vi.advanceTimersByTime(300);
    expect(calls).toHaveLength(2);
    expect(last().place).toEqual({ epoch: 'e', offset: 5 });
    send({ ...hello(), clock: { ...CLOCK, data: hour(8) } } as Frame);
    channel.watch();
    expect(store.sourceQuality(store.sources.get('ps') ?? source())).toBe('absent');
    pass(500, () => send({ ...beat, clock: { ...CLOCK, data: hour(8) }, sources: [{ id: 'ps', quality: 'fresh', watermark: hour(8), progress: 1 }] }));
    expect(store.link).toBe('live');
    expect(store.sourceQuality(store.sources.get('ps') ?? source())).toBe('fresh');
  });
  it('of a server that are stepped by an hour are followed, and the ages with them', async () => {
    await channel.begin();
    for (const step of [1, 0, -1]) {
      const clock = { ...CLOCK, data: hour(step), real: hour(step) };
      send({ ...beat, clock, sources: [{ id: 'ps', quality: 'fresh', watermark: hour(step - 0.01), progress: 1 }] });
      channel.watch();
      expect(store.link).toBe('live');
      expect(store.now).toBe(Date.parse(hour(step)));
      expect(store.sourceQuality(store.sources.get('ps') ?? source())).toBe('fresh');
    }
  });
  it('that were set back after a reload do not keep the page from the next one', async () => {
    await channel.begin();
    asleep = -24 * HOUR;
    send(hello('2'));
    pass(62_000);
    expect(reloads).toBe(1);
  });
});

describe('a start while the server is away', () => {
  beforeEach(() => {
    first = () => Promise.reject(new Error('503'));
  });
  it('shows the figures that were kept, as stale whatever they were, and aged', async () => {
    kept = { snapshot: snapshot(), ageMs: 3_600_000 };
    await channel.begin();
    channel.watch();
    expect(store.reading('ps.on_time', 'area:10', 'month')?.value).toBe(0.9);
    expect(['stale', 'absent']).toContain(store.quality(reading()));
    expect(store.now).toBe(Date.parse(AT) + 3_600_000);
    expect(last().place).toBeNull();
    // The server is back, with another build than the one that was kept.
    send(hello('2'));
    send({ t: 'snapshot', data: snapshot({ build: '2' }) });
    pass(250, () => send(beat));
    expect(store.link).toBe('live');
    expect(store.quality(reading())).toBe('fresh');
    expect(reloads).toBe(0);
  });
  it.each([0, 60_000, -5_000_000])('is stale also when kept %i ms ago', async (ageMs) => {
    kept = { snapshot: snapshot(), ageMs };
    await channel.begin();
    channel.watch();
    expect(store.quality(reading())).toBe('stale');
  });
  it('shows nothing that was kept in another shape', async () => {
    kept = { snapshot: { ...snapshot(), schema: 9 }, ageMs: 0 };
    await channel.begin();
    expect(store.loaded).toBe(false);
    kept = { snapshot: { schema: 1 } as never, ageMs: 0 };
    await channel.begin();
    expect(calls.length).toBeGreaterThan(0);
    expect(kept).toBeNull();
  });
  it('shows nothing that was kept when the server asks for a token', async () => {
    first = () => {
      store.locked = true;
      return Promise.reject(new Error('401'));
    };
    kept = { snapshot: snapshot(), ageMs: 0 };
    await channel.begin();
    expect(store.loaded).toBe(false);
    expect(kept).toBeNull();
  });
  it('has something to show: a live screen keeps what it holds, once a minute', async () => {
    first = () => Promise.resolve(snapshot());
    await channel.begin();
    send({ t: 'delta', offset: 6, readings: [reading({ value: 0.7 })] });
    pass(61_000, () => send(beat));
    const held = kept as Kept | null;
    expect(held?.snapshot.readings[0]?.value).toBe(0.7);
    expect(held?.snapshot.offset).toBe(6);
  });
});

describe('deltas', () => {
  const delta = (offset: number, value: number): Frame => ({ t: 'delta', offset, readings: [reading({ value })] });
  const shown = (): number | null | undefined => store.reading('ps.on_time', 'area:10', 'month')?.value;
  it('are drawn at once when the screen is idle, and together when they come within a frame', async () => {
    await channel.begin();
    send(delta(6, 0.1));
    expect(shown()).toBe(0.1);
    send(delta(7, 0.2));
    send(delta(8, 0.3));
    expect(shown()).toBe(0.1);
    expect(store.offset).toBe(6);
    vi.advanceTimersByTime(16);
    expect(shown()).toBe(0.3);
    expect(store.offset).toBe(8);
    vi.advanceTimersByTime(16);
    send(delta(9, 0.4));
    expect(shown()).toBe(0.4);
  });
  it('are never overtaken by what follows them, nor lost when the wire is', async () => {
    await channel.begin();
    send(delta(6, 0.1));
    send(delta(7, 0.2));
    send({ t: 'snapshot', data: snapshot({ offset: 9, readings: [reading({ value: 0.9 })] }) });
    vi.advanceTimersByTime(100);
    expect(shown()).toBe(0.9);
    expect(store.offset).toBe(9);
    vi.advanceTimersByTime(100);
    send(delta(10, 0.3));
    send(delta(11, 0.4));
    last().onclose?.();
    vi.advanceTimersByTime(1000);
    expect(last().place).toEqual({ epoch: 'e', offset: 11 });
  });
});

it('moves the ages of all tiles within a second, and not all in one turn', async () => {
  await channel.begin();
  send(beat);
  const ages = (): (number | null)[] => Array.from({ length: 8 }, (_, turn) => store.age('ps', turn));
  pass(1000);
  send({ ...beat, clock: { ...CLOCK, data: '2022-10-03T09:01:00+07:00' } });
  const moved = new Set<number>();
  for (let at = 0; at < 1000; at += 125) {
    vi.advanceTimersByTime(125);
    channel.watch();
    moved.add(ages().filter((age) => (age ?? 0) >= 60).length);
  }
  expect([...moved].filter((count) => count > 0 && count < 8).length).toBeGreaterThan(2);
  expect(ages().every((age) => (age ?? 0) >= 60)).toBe(true);
});

it('draws clocks and ages behind a change, so that the next one finds the screen idle', async () => {
  await channel.begin();
  const turned = vi.spyOn(store, 'turn');
  const at: number[] = [];
  turned.mockImplementation(() => void at.push(performance.now()));
  send(beat);
  for (let n = 0; n < 20; n += 1) {
    for (let part = 0; part < 4; part += 1) {
      vi.advanceTimersByTime(25);
      channel.watch();
    }
    send({ t: 'delta', offset: 10 + n, readings: [reading({ value: n / 100 })], sources: [] });
  }
  const begun = at.filter((t) => t > 300);
  expect(begun.length).toBeGreaterThan(12);
  expect(begun.every((t) => t % 100 > 15 && t % 100 < 50)).toBe(true);
});
