// Kept: the last snapshot, for a start while the server is away; one per address, of this browser only.

import type { Kept } from './live';
import type { Snapshot } from './shapes';

const NAME = 'ioc.snapshot';
/** Storage that is full or forbidden keeps nothing: the page works without. */
function quietly<T>(step: () => T, otherwise: T): T {
  try {
    return step();
  } catch {
    return otherwise;
  }
}

export function keep(snapshot: Snapshot | null): void {
  if (!snapshot) {
    quietly(() => localStorage.removeItem(NAME), undefined);
    return;
  }
  const write = (): void => quietly(() => localStorage.setItem(NAME, JSON.stringify({ at: Date.now(), snapshot })), undefined);
  // A megabyte of text takes longer than a frame: after what is to be painted.
  if ('requestIdleCallback' in window) window.requestIdleCallback(write);
  else write();
}

export function kept(): Kept | null {
  return quietly(() => {
    const told = JSON.parse(localStorage.getItem(NAME) ?? 'null') as { at: number; snapshot: Snapshot } | null;
    return told && Array.isArray(told.snapshot.readings) ? { snapshot: told.snapshot, ageMs: Date.now() - told.at } : null;
  }, null);
}
