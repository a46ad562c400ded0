import { existsSync, readdirSync } from 'node:fs';

import { expect, test, vi } from 'vitest';

vi.hoisted(() => vi.stubGlobal('location', { search: '' }));
import { tileOf, tileTypes } from '.';
import Missing from './Missing.svelte';

const here = new URL('.', import.meta.url);
const folders = readdirSync(here).filter((name) => existsSync(new URL(`${name}/Tile.svelte`, here)));

test('every folder with a Tile.svelte is a tile type, and nothing else names one', () => {
  expect(folders).toContain('value');
  expect([...tileTypes].sort()).toEqual(folders.sort());
  for (const type of folders) expect(tileOf(type)).not.toBe(Missing);
});

test.each(['gauge', '', '../wall', 'constructor'])('the type %o, which nobody wrote, is drawn as missing', (type) => {
  expect(tileOf(type)).toBe(Missing);
});
