// The window is stood in for before the words read its address.
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { snapshot, source } from '../data/made';
import type { Indicator, Quality } from '../data/shapes';

vi.stubGlobal('location', { search: '' });
const { store } = await import('../data/store.svelte');
const { whyNothing } = await import('./why');
const { tell } = await import('./texts');
const { advice } = await import('./advice');

const indicator = { levels: ['district', 'commune'], source: 'ps' } as unknown as Indicator;

describe('an empty ranking says why', () => {
  beforeEach(() => store.takeSnapshot(snapshot()));
  const feed = (quality: Quality): void => store.takeSnapshot(snapshot({ sources: [source({ quality })] }));

  it('by level, by choice, by source, or because nothing has happened yet', () => {
    expect(whyNothing(indicator, 'sector', 20)).toBe(tell('notAtLevel'));
    expect(whyNothing(indicator, 'commune', 0)).toBe(tell('noneWithin'));
    expect(whyNothing(indicator, 'district', 9)).toBe(tell('noPeriod'));
    feed('loading');
    expect(whyNothing(indicator, 'district', 9)).toBe(tell('stillLoading'));
    feed('absent');
    expect(whyNothing(indicator, 'district', 9)).toBe(tell('sourceLost'));
    expect(whyNothing({ ...indicator, source: 'gone' }, 'district', 9)).toBe(tell('noSource'));
  });
});

describe('advice about a feed', () => {
  it.each([
    ['broken: /messages: element Status is missing; expected HTTP 503', 'doBroken'],
    ["the source's clock is 4000 s ahead of ours; its 'complete up to' is held", 'doClock'],
    ['GET /list: HTTP 429', 'doBusy'],
    ['documents answers 503 to /packets, expected 200: check system_id and the variable', 'doDown'],
    ['einvoice answers 500 to /token, expected 200: check client_id', 'doDown'],
    ['einvoice answers 401 to /tonghop, expected 200', 'doAuth'],
    ['einvoice has no credentials: set client_id in its source', 'doAuth'],
    ['no page in 120 s', 'doSlow'],
    ['GET /list: no whole answer in 10 s', 'doSlow'],
    ['GET /list: ConnectError refused', 'doDown'],
  ])('%s', (said, todo) => {
    expect(advice({ last_error: said, quarantined: 0 }, 'stale', false)).toBe(todo);
  });
  it('without an error goes by silence, by a load that stands, by what is held back', () => {
    const quiet = { last_error: null, quarantined: 0 };
    expect(advice(quiet, 'stale', false)).toBe('doSilent');
    expect(advice(quiet, 'loading', true)).toBe('doStuck');
    expect(advice({ ...quiet, quarantined: 3 }, 'fresh', false)).toBe('doQuarantine');
    expect(advice(quiet, 'fresh', false)).toBe('doNothing');
  });
});
