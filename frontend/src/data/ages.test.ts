import { expect, test } from 'vitest';

import { stepped } from './ages';

test('an age moves in steps of five seconds and is never older than it is', () => {
  expect([0, 4.9, 5, 12, 59.9, 3600].map(stepped)).toEqual([0, 0, 5, 10, 55, 3600]);
  expect(stepped(null)).toBeNull();
});
