import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { AT, CLOCK, reading, snapshot, source } from './made';
import type { Frame, Subject } from './shapes';
import { Store } from './store.svelte';

const COMMUNE: Subject = { id: 'area:02647', level: 'commune', name_vi: 'Phường Duyên Hải', short_name: 'Duyên Hải', parent: 'area:080', row: null, col: null };

function beat(changes: object): Extract<Frame, { t: 'beat' }> {
  return { t: 'beat', offset: 5, server_time: AT, clock: CLOCK, sources: [{ id: 'ps', quality: 'fresh', watermark: AT, progress: 1, ...changes }] };
}
function delta(...readings: ReturnType<typeof reading>[]): Extract<Frame, { t: 'delta' }> {
  return { t: 'delta', offset: 6, readings };
}

let store: Store;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'] });
  store = new Store();
});
afterEach(() => vi.useRealTimers());

function quality(subject = 'area:10'): string {
  const held = store.reading('ps.on_time', subject, 'month');
  return held ? store.quality(held) : 'nothing held';
}

describe('the quality of a figure', () => {
  it('is the reading’s own where that is worse than its source', () => {
    store.takeSnapshot(snapshot({ readings: [reading({ quality: 'stale' })] }));
    expect(quality()).toBe('stale');
    store.takeDelta(delta(reading({ quality: 'fresh' })));
    expect(quality()).toBe('fresh');
  });
  it('is the source’s where that is worse', () => {
    store.takeSnapshot(snapshot());
    store.takeBeat(beat({ quality: 'absent' }));
    expect(quality()).toBe('absent');
  });
  it('recovers with the source although the reading is not sent again', () => {
    store.takeSnapshot(snapshot());
    store.takeDelta(delta(reading({ quality: 'stale' })));
    store.takeBeat(beat({ quality: 'stale' }));
    expect(quality()).toBe('stale');
    store.takeBeat(beat({ quality: 'fresh' }));
    expect(quality()).toBe('fresh');
  });
  it('is compared with what the source is by the same frame', () => {
    store.takeSnapshot(snapshot());
    store.takeDelta({ ...delta(reading({ quality: 'stale' })), sources: [source({ quality: 'stale' })] });
    store.takeBeat(beat({ quality: 'fresh' }));
    expect(quality()).toBe('fresh');
  });
});

describe('a subject outside the snapshot', () => {
  it('is not kept until a page shows it', () => {
    store.takeSnapshot(snapshot());
    store.takeDelta(delta(reading({ subject: COMMUNE.id })));
    expect(quality(COMMUNE.id)).toBe('nothing held');
  });
  it('is kept live, over a new snapshot too, and forgotten with its page', () => {
    store.takeSnapshot(snapshot());
    store.takeGuest(COMMUNE, [reading({ subject: COMMUNE.id, value: 0.5 })]);
    store.takeDelta(delta(reading({ subject: COMMUNE.id, value: 0.6 })));
    store.takeSnapshot(snapshot({ offset: 9 }));
    expect(store.reading('ps.on_time', COMMUNE.id, 'month')?.value).toBe(0.6);
    store.dismissGuest(COMMUNE.id);
    expect(quality(COMMUNE.id)).toBe('nothing held');
  });
  it('keeps a later delta when an earlier answer arrives after it', () => {
    store.takeSnapshot(snapshot());
    store.takeGuest(COMMUNE, []);
    store.takeDelta(delta(reading({ subject: COMMUNE.id, value: 0.6, watermark: '2022-10-03T09:01:00+07:00' })));
    store.takeGuest(COMMUNE, [reading({ subject: COMMUNE.id, value: 0.5 })]);
    expect(store.reading('ps.on_time', COMMUNE.id, 'month')?.value).toBe(0.6);
    expect(store.silenceAbout(COMMUNE.id)).toBeLessThan(1);
    vi.advanceTimersByTime(5000);
    expect(store.silenceAbout(COMMUNE.id)).toBeGreaterThanOrEqual(5000);
  });
});

describe('a loading source', () => {
  const loading = (progress: number): Frame & { t: 'beat' } => beat({ quality: 'loading', progress, watermark: null });
  it('stands still after half a minute without progress, and no longer once it moves', () => {
    store.takeSnapshot(snapshot({ sources: [source({ quality: 'loading', progress: 0.4, watermark: null })] }));
    for (let s = 0; s < 29; s += 1) {
      vi.advanceTimersByTime(1000);
      store.takeBeat(loading(0.4));
      expect(store.stuck(store.sources.get('ps'))).toBe(false);
    }
    vi.advanceTimersByTime(2000);
    store.takeBeat(loading(0.4));
    expect(store.stuck(store.sources.get('ps'))).toBe(true);
    store.takeDelta({ t: 'delta', offset: 6, sources: [source({ quality: 'loading', progress: 0.41, watermark: null })] });
    store.takeBeat(loading(0.41));
    expect(store.stuck(store.sources.get('ps'))).toBe(false);
  });
  it('is not said to stand still when it is loaded', () => {
    store.takeSnapshot(snapshot());
    vi.advanceTimersByTime(60_000);
    expect(store.stuck(store.sources.get('ps'))).toBe(false);
  });
});

it('takes nothing any more once the server is of another version', () => {
  store.takeSnapshot(snapshot());
  store.link = 'incompatible';
  store.takeSnapshot(snapshot({ readings: [reading({ value: 0.1 })] }));
  store.takeDelta(delta(reading({ value: 0.2 })));
  store.takeBeat(beat({ quality: 'absent' }));
  store.takeGuest(COMMUNE, [reading({ subject: COMMUNE.id })]);
  expect(store.reading('ps.on_time', 'area:10', 'month')?.value).toBe(0.9);
  expect(quality()).toBe('fresh');
  expect(quality(COMMUNE.id)).toBe('nothing held');
});

it('counts all tiles anew with the next turn', () => {
  const tile = { id: 'a1', type: 'value', indicator: 'ps.on_time', subject: 'area:10', period: 'month' } as const;
  const scene = { groups: [{ id: 'a', title_vi: 'A', title_en: 'A', tiles: [tile] }], map: null };
  store.takeSnapshot(snapshot({ scene, readings: [reading({ value: 0.5, target: 1 })] }));
  expect(store.score.value).toBe(0.5);
  store.takeDelta(delta(reading({ value: 0.75, target: 1 })));
  store.tick();
  expect(store.score.value).toBe(0.75);
  store.takeBeat(beat({ quality: 'absent' }));
  store.tick();
  expect(store.score.value).toBeNull();
  expect(store.score.left_out).toHaveLength(1);
});
