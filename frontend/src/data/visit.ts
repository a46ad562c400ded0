// Visit: keeps a subject outside the snapshot live while a page shows it.

import { ask } from './ask';
import { jittered } from './question.svelte';
import { registry } from './registry.svelte';
import type { Reading } from './shapes';
import { store } from './store.svelte';

const LOOK_MS = 15000;
const QUIET_MS = 60000;
const AFTER_ERROR_MS = 5000;

/** Asks for its figures, then lets deltas keep them; where none speak of it, asks again now and then. */
export function visit(subject: string, indicator: string): () => void {
  let [timer, over, wait, askedAt, taken] = [0, false, AFTER_ERROR_MS, -Infinity, -1];

  function due(): boolean {
    if (taken !== store.taken) return true;
    const quiet = Math.min(store.silenceAbout(subject), performance.now() - askedAt) > QUIET_MS;
    return quiet && document.visibilityState === 'visible';
  }

  async function turn(): Promise<void> {
    let next = LOOK_MS;
    try {
      const known = registry.subject(subject);
      if (!known) next = 500;
      else if (due()) {
        const asked = store.taken;
        const { readings } = await ask<{ readings: Reading[] }>('readings/latest', { indicator, subject });
        if (over) return;
        store.takeGuest(known, readings);
        [taken, askedAt] = [asked, performance.now()];
      }
      wait = AFTER_ERROR_MS;
    } catch {
      next = wait;
      wait = Math.min(wait * 2, QUIET_MS);
    }
    if (!over) timer = window.setTimeout(() => void turn(), jittered(next));
  }

  void turn();
  return () => {
    over = true;
    window.clearTimeout(timer);
    store.dismissGuest(subject);
  };
}
