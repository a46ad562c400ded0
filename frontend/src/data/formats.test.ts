// The window is stood in for before the words read its address.
import { beforeAll, describe, expect, it, vi } from 'vitest';

import type { Source } from './shapes';

vi.stubGlobal('location', { search: '' });
let formats: typeof import('./formats');
let ages: typeof import('./ages');
beforeAll(async () => {
  formats = await import('./formats');
  ages = await import('./ages');
});

describe('figures', () => {
  it('are written the Vietnamese way', () => {
    expect(formats.number(1234.5, 1)).toBe('1.234,5');
    expect(formats.inWords(0.9412, { unit: 'percent', decimals: 1 })).toBe('94,1 %');
    expect(formats.inWords(91.8e9, { unit: 'vnd', decimals: 1 })).toBe('91,8 tỷ đ');
    expect(formats.inWords(null, { unit: 'count', decimals: 0 })).toBe('–');
  });
});

describe('no rounding crosses a target', () => {
  it('a figure short of it is never shown as if it stood there', () => {
    expect(formats.honest(0.9496, 0.95, 'percent', 1)).toBe(2);
    expect(formats.honest(0.94996, 0.95, 'percent', 1)).toBe(3);
    expect(formats.honest(0.9996, 1, 'percent', 1)).toBe(2);
    expect(formats.honest(0.9504, 0.95, 'percent', 1)).toBe(2);
    expect(formats.honest(15.04, 15, 'minutes', 1)).toBe(2);
    expect(formats.honest(0.9504, 0.95, 'percent', 0)).toBe(2);
  });
  it('one on it, or far from it, keeps its decimals', () => {
    expect(formats.honest(0.95, 0.95, 'percent', 1)).toBe(1);
    expect(formats.honest(0.9412, 0.95, 'percent', 1)).toBe(1);
    expect(formats.honest(0.9412, null, 'percent', 1)).toBe(1);
    expect(formats.honest(7, 7.5, 'count', 0)).toBe(0);
  });
});

describe('judge', () => {
  const at = Date.parse('2022-10-03T09:00:00+07:00');
  const source = { watermark: '2022-10-03T09:00:00+07:00', late_after_s: 300, stale_after_s: 900, absent_after_s: 7200 } as Source;
  it('only ever makes a figure older than the server said', () => {
    expect(ages.judge(source, 'fresh', at + 299_000, 60)).toBe('fresh');
    expect(ages.judge(source, 'fresh', at + 901_000, 60)).toBe('stale');
    expect(ages.judge(source, 'absent', at, 60)).toBe('absent');
    expect(ages.judge(source, 'loading', at + 9e9, 60)).toBe('loading');
  });
  it('does not call two real seconds a delay', () => {
    expect(ages.judge(source, 'fresh', at + 2_000_000, 1200)).toBe('fresh');
  });
});
