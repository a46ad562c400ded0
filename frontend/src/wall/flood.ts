// Flood: more alerts than a person can read one by one are shown by who has to act (ISA-18.2).

import { RANK } from '../data/severity';
import type { Alert } from '../data/shapes';

/** Ten raised within ten minutes: no operator reads them singly any more. */
export const FLOOD_ALERTS = 10;
export const FLOOD_MS = 600_000;

export interface Heap {
  key: string;
  source: string;
  owner: string;
  severity: Alert['severity'];
  count: number;
  since: string;
}

export function recent(open: Alert[], now: number): Alert[] {
  return open.filter((alert) => now - Date.parse(alert.since) <= FLOOD_MS);
}

export function flooded(open: Alert[], now: number): boolean {
  return recent(open, now).length >= FLOOD_ALERTS;
}

/** The alert that began the burst keeps its mark: what came first is most often the cause. */
export function firstOut(open: Alert[], now: number): Alert | null {
  return recent(open, now).reduce<Alert | null>((first, one) => (first === null || one.since < first.since || (one.since === first.since && one.id < first.id) ? one : first), null);
}

/** One heap a source and owner, the worst and then the largest first. */
export function heaps(open: Alert[], sourceOf: (alert: Alert) => string, ownerOf: (alert: Alert) => string): Heap[] {
  const found: Heap[] = [];
  for (const alert of open) {
    const [source, owner] = [sourceOf(alert), ownerOf(alert)];
    const key = `${source}|${owner}`;
    const held = found.find((heap) => heap.key === key);
    if (!held) found.push({ key, source, owner, severity: alert.severity, count: 1, since: alert.since });
    else {
      held.count += 1;
      if (RANK[alert.severity] > RANK[held.severity]) held.severity = alert.severity;
      if (alert.since < held.since) held.since = alert.since;
    }
  }
  return found.sort((a, b) => RANK[b.severity] - RANK[a.severity] || b.count - a.count || a.key.localeCompare(b.key));
}
