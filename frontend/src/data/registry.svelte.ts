// Registry: every subject and the wording of every indicator, asked for once when a desk page needs them.

import { ask } from './ask';
import type { IndicatorDetail, Subject } from './shapes';
import { store } from './store.svelte';
import { unitName } from './words.svelte';

const AGAIN_MS = 5000;
export const ORDER = ['district', 'commune', 'department', 'agency', 'sector', 'group', 'tier'];

class Registry {
  subjects = $state.raw<ReadonlyMap<string, Subject>>(new Map());
  details = $state.raw<ReadonlyMap<string, IndicatorDetail>>(new Map());
  ready = $derived(this.subjects.size > 0);
  /** The province of today: after a merger it is another subject. */
  province = $derived([...this.subjects.values(), ...store.subjects.values()].find((one) => one.level === 'province')?.id ?? 'area:10');
  #asked = false;

  /** Asks once; a server that does not answer is asked again, less and less often. */
  async open(): Promise<void> {
    if (this.#asked) return;
    this.#asked = true;
    for (let wait = AGAIN_MS; ; wait = Math.min(wait * 2, 60000)) {
      try {
        const [{ subjects }, { indicators }] = await Promise.all([
          ask<{ subjects: Subject[] }>('subjects'),
          ask<{ indicators: IndicatorDetail[] }>('indicators'),
        ]);
        this.subjects = new Map(subjects.map((one) => [one.id, one]));
        this.details = new Map(indicators.map((one) => [one.id, one]));
        return;
      } catch {
        await new Promise((wake) => window.setTimeout(wake, wait * (0.5 + Math.random())));
      }
    }
  }

  subject(id: string): Subject | undefined {
    return this.subjects.get(id) ?? store.subjects.get(id);
  }

  /** A subject's name in the tongue of the screen; its id while it is not known. */
  name(id: string, short = false): string {
    const found = this.subject(id);
    return found ? unitName((short && found.short_name) || found.name_vi) : id;
  }

  /** From the province down to the subject. */
  path(id: string): Subject[] {
    const found: Subject[] = [];
    for (let one = this.subject(id); one && found.length < 9; one = one.parent ? this.subject(one.parent) : undefined) found.unshift(one);
    return found;
  }

  /** What a subject is made of: levels of which several subjects belong to it, the land before the offices. */
  levelsWithin(id: string, among: string[]): string[] {
    const top = this.subject(id)?.level === 'province';
    // Plain counting, done again only when the subjects are other ones.
    const count: Record<string, number> = {};
    for (const one of this.subjects.values()) if (top || one.parent === id) count[one.level] = (count[one.level] ?? 0) + 1;
    return ORDER.filter((level) => among.includes(level) && (count[level] ?? 0) > 1);
  }
}

export const registry = new Registry();
