// Goal: a target beside its figure, which says the unit of both.

import { targetText } from '../data/formats';
import type { Unit } from '../data/shapes';

const UNIT_SAID = /\s?(?:%|phút|min)$/u;

export function goalText(target: number, unit: Unit): string {
  return targetText(target, unit).replace(UNIT_SAID, '');
}
