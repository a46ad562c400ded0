import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Channel, type Wire, type World } from './live';
import { AT, CLOCK, reading, snapshot } from './made';
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
let first: () => Promise<ReturnType<typeof snapshot>>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'] });
  [store, calls, reloads, lucky, alive] = [new Store(), [], 0, 1, true];
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
    now: () => performance.now(),
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
