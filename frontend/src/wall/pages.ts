// Pages: a wall is read from five metres, so what has no room beside the rest comes on a page of its own.

import type { SceneGroup } from '../data/shapes';

export const IN_A_ROW = 6;
export const ROWS_AT_ONCE = 4;
const ROOMY = 3;

export interface Row {
  id: string;
  group: SceneGroup;
  /** Which of the rows of the same title: a reader of screens tells them apart by it. */
  nth: number;
  tiles: SceneGroup['tiles'];
}

/** The groups as rows; one of more than six tiles takes several. */
export function rowsOf(groups: readonly SceneGroup[]): Row[] {
  const rows: Row[] = [];
  for (const group of groups) {
    const count = Math.max(1, Math.ceil(group.tiles.length / IN_A_ROW));
    for (let at = 0; at < count; at += 1) {
      const tiles = group.tiles.slice(at * IN_A_ROW, (at + 1) * IN_A_ROW);
      const nth = rows.filter((row) => row.group.title_vi === group.title_vi).length + 1;
      rows.push({ id: `${group.id} ${String(at)}`, group, nth, tiles });
    }
  }
  return rows;
}

export interface Laid {
  pages: number;
  /** Rows beside each other, and under each other. */
  across: number;
  down: number;
  /** More rows than leave a tile room for its history. */
  tight: boolean;
}

/** Pages of as many rows as each other; or everything at once, set smaller until it has room. */
export function laid(rows: number, everything: boolean): Laid {
  if (everything) {
    const across = Math.max(1, Math.ceil(Math.sqrt(rows / ROWS_AT_ONCE)));
    const down = Math.max(1, Math.ceil(rows / across));
    return { pages: 1, across, down, tight: down > ROOMY * across };
  }
  const pages = Math.max(1, Math.ceil(rows / ROWS_AT_ONCE));
  const down = Math.max(1, Math.ceil(rows / pages));
  return { pages, across: 1, down, tight: down > ROOMY };
}

/** What the address asks for: `all`, one page that stays, or (null) page after page. */
export function pageAsked(search: string): 'all' | number | null {
  const told = new URLSearchParams(search).get('page');
  if (told === 'all') return 'all';
  const number = Number(told);
  return Number.isInteger(number) && number > 0 ? number : null;
}
