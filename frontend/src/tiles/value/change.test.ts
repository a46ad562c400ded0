import { expect, test, vi } from 'vitest';

vi.hoisted(() => vi.stubGlobal('location', { search: '' }));
import { change } from './change';

const share = { unit: 'percent', decimals: 1, better: 'up' } as const;
const money = { unit: 'vnd', decimals: 0, better: 'up' } as const;
const stock = { unit: 'count', decimals: 0, better: 'down' } as const;

test.each([
  [0.95, 0.004, share, '↗ 0,4', false],
  [0.95, -0.021, share, '↘ 2,1', true],
  [0.95, -0.0001, share, '→ 0,0', false],
  [547e6, 69.4e6, money, '↗ 69,4', false],
  [94.6e9, -3.1e9, money, '↘ 3,1', true],
  [94.6e9, 250e9, money, '↗ 250', false],
  [184, 23, stock, '↗ 23', true],
  [184, -2, stock, '↘ 2', false],
])('%d by %d is said in the unit beside it', (value, by, indicator, text, worse) => {
  expect(change(value, by, indicator)).toEqual({ text, worse });
});

test('a change too large for the unit of the figure brings its own', () => {
  expect(change(2e6, 80e9, money)?.text).toBe('↗ 80,0 tỷ');
});

test('without a figure or a close there is no change', () => {
  expect(change(null, 1, stock)).toBeNull();
  expect(change(3, undefined, stock)).toBeNull();
});
