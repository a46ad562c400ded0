// The worked cases of the score, which the server runs too (tests/unit/test_score.py).
import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { scoreOf } from './score';
import type { Indicator, Quality, Reading, Scene } from './shapes';

interface Case {
  says: string;
  tiles: { value: number | null; target: number | null }[];
  better: 'up' | 'down';
  quality: Quality;
  score: Record<string, number | null>;
  left_out: number;
}
const cases = JSON.parse(readFileSync(new URL('../../../tests/unit/score_worked.json', import.meta.url), 'utf8')) as Case[];

describe('score', () => {
  it.each(cases)('$says', (one) => {
    const tiles = one.tiles.map((_, n) => ({ id: `t${n}`, type: 'value', indicator: 'x', subject: `area:${n}`, period: 'month' as const }));
    const scene = { groups: [{ id: 'g', title_vi: '', title_en: '', tiles }], map: null } as unknown as Scene;
    const held = (_: string, subject: string): Reading => ({ source: 'feed', ...one.tiles[Number(subject.slice(5))] }) as unknown as Reading;
    const got = scoreOf(scene, new Map([['x', { better: one.better } as Indicator]]), held, () => one.quality);
    for (const [name, wanted] of Object.entries(one.score)) {
      const value = got[name as 'value'];
      if (wanted === null) expect(value).toBeNull();
      else expect(value).toBeCloseTo(wanted, 12);
    }
    expect(got.left_out.length).toBe(one.left_out);
  });
});
