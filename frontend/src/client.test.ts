import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { follow } from './client';
import { AT, CLOCK, reading, snapshot, source } from './data/made';
import type { Wire, World } from './data/live';
import type { Frame } from './data/shapes';

let wires: (Wire & { place: unknown })[];
let world: World;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  wires = [];
  world = {
    dial: (place) => {
      const wire = { place, open: true, onmessage: null, onclose: null, close: () => undefined };
      wires.push(wire);
      return wire;
    },
    snapshot: () => Promise.resolve(snapshot()), answers: () => Promise.resolve(true), reload: () => undefined, lastReload: () => 0,
    later: (ms, step) => {
      const timer = setTimeout(step, ms);
      return () => clearTimeout(timer);
    },
    soon: (step) => setTimeout(step, 16), now: () => performance.now(), wall: () => Date.now(), idle: () => Infinity,
    keep: () => undefined, kept: () => null, chance: () => 0,
  };
});
afterEach(() => vi.useRealTimers());

const send = (frame: Frame): void => wires.at(-1)?.onmessage?.({ data: JSON.stringify(frame) });

it('tells a page all figures, then what changes, and the state of the link; and stops when told', async () => {
  const seen: unknown[] = [];
  const links: string[] = [];
  const following = follow('http://ioc', {
    figures: (figures, whole) => seen.push([figures.map((f) => f.value), whole]),
    sources: (sources, whole) => seen.push([sources.map((s) => s.id), whole]),
    link: (link) => links.push(link),
  }, {}, world);
  await vi.advanceTimersByTimeAsync(10);
  expect(seen).toEqual([[['ps'], true], [[0.9], true]]);
  send({ t: 'delta', offset: 6, readings: [reading({ value: 0.7 })], sources: [source()] });
  expect(seen.slice(2)).toEqual([[['ps'], false], [[0.7], false]]);
  send({ t: 'beat', offset: 6, server_time: AT, clock: CLOCK, sources: [] });
  vi.advanceTimersByTime(250);
  expect(links).toEqual(['live']);
  expect(following.dataNow()).toBe(Date.parse(AT) + 250);
  vi.advanceTimersByTime(10_000);
  expect(links).toEqual(['live', 'lagging', 'lost']);
  expect(wires.at(-1)?.place).toEqual({ epoch: 'e', offset: 6 });
  const dialled = wires.length;
  following.stop();
  vi.advanceTimersByTime(600_000);
  expect(wires).toHaveLength(dialled);
});
