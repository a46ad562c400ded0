// The window is stood in for before the words read its address.
import { readFileSync } from 'node:fs';

import { describe, expect, it, vi } from 'vitest';

vi.stubGlobal('location', { search: '?lang=en' });
const { unitName } = await import('./words.svelte');

const folder = new URL('../../../app/profiles/laocai/', import.meta.url);
/** One column of a list of the profile; a text in quotes may hold commas. */
function column(file: string, at: number): string[] {
  const rows = readFileSync(new URL(file, folder), 'utf8').trim().split('\n').slice(1);
  return rows.map((row) => (row.match(/("[^"]*"|[^,]+)/g) ?? [])[at]?.replaceAll('"', '') ?? '');
}

describe('in English every unit says what kind it is', () => {
  const KIND = /province|district|town|commune|ward|city|township|office|dep|board|inspect|authority|committee|zone/i;
  it.each([
    ['agencies.csv', 1, 181],
    ['districts_2022.csv', 1, 9],
    ['groups.csv', 1, 8],
  ])('%s', (file, at, count) => {
    const names = column(file, at);
    expect(names).toHaveLength(count);
    expect(names.filter((name) => !KIND.test(unitName(name)) || /^(UBND|Sở|Huyện|Xã|Phường|Thị|Chi cục) /u.test(unitName(name)))).toEqual([]);
  });
  it('and every sector has an English name', () => {
    const names = column('sectors.csv', 1);
    expect(names).toHaveLength(20);
    expect(names.filter((name) => unitName(name) === name)).toEqual([]);
  });
  it.each([
    ['Tỉnh Lào Cai', 'Lào Cai province'],
    ['Huyện Bắc Hà', 'Bắc Hà district'],
    ['Thị xã Sa Pa', 'Sa Pa town'],
    ['Xã Tả Van', 'Tả Van commune'],
    ['Phường Duyên Hải', 'Duyên Hải ward'],
  ])('%s is %s', (vietnamese, english) => expect(unitName(vietnamese)).toBe(english));
});
