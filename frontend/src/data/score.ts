// Score: the mean attainment of the tiles with a target, as the snapshot states it, kept up to date.

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
  let total = 0;
  for (const tile of scene.groups.flatMap((group) => group.tiles)) {
    const held = reading(tile.indicator, tile.subject, tile.period);
    if (!held || held.target === null) continue;
    total += 1;
    const up = indicators.get(tile.indicator)?.better !== 'down';
    if (held.value !== null && trusted(quality(held))) ratios.push(attainment(held.value, held.target, up));
  }
  return {
    value: ratios.length ? ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length : null,
    minimum: ratios.length ? Math.min(...ratios) : null,
    below: ratios.filter((ratio) => ratio < BELOW).length,
    counted: ratios.length,
    total,
  };
}
