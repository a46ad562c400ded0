// Score: app/domain/score.py between two snapshots; tests/unit/score_worked.json is run by both.

import { trusted } from './ages';
import type { Indicator, Quality, Reading, Scene, Score } from './shapes';

const AT_BEST = 1.25;
const BELOW = 0.9;

function attainment(value: number, target: number, up: boolean): number {
  const [part, whole] = up ? [value, target] : [target, value];
  return whole <= 0 ? AT_BEST : Math.min(AT_BEST, part / whole);
}

export function scoreOf(
  scene: Scene,
  indicators: ReadonlyMap<string, Indicator>,
  reading: (indicator: string, subject: string, period: string) => Reading | undefined,
  quality: (reading: Reading) => Quality,
): Score {
  const ratios: number[] = [];
  const left: Score['left_out'] = [];
  for (const tile of scene.groups.flatMap((group) => group.tiles)) {
    const held = reading(tile.indicator, tile.subject, tile.period);
    if (!held || held.target === null) continue;
    const judged = quality(held);
    const up = indicators.get(tile.indicator)?.better !== 'down';
    if (held.value !== null && trusted(judged)) ratios.push(attainment(held.value, held.target, up));
    else left.push({ indicator: tile.indicator, subject: tile.subject, period: tile.period, quality: judged });
  }
  return {
    value: ratios.length ? ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length : null,
    minimum: ratios.length ? Math.min(...ratios) : null,
    below: ratios.filter((ratio) => ratio < BELOW).length,
    counted: ratios.length,
    total: ratios.length + left.length,
    left_out: left,
  };
}
