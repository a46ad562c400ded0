// Question: an answer a page shows: kept while it is asked again, and remembered for the way back.

import { untrack } from 'svelte';

import { addressOf, ask, type Query } from './ask';
import { store } from './store.svelte';

const REMEMBERED = 40;
const EVERY_MS = 60000;
const AFTER_ERROR_MS = 10000;

// eslint-disable-next-line svelte/prefer-svelte-reactivity -- a memory, not something screens follow
const answers = new Map<string, unknown>();

function remember(address: string, answer: unknown): void {
  answers.delete(address);
  answers.set(address, answer);
  const [oldest] = answers.keys();
  if (answers.size > REMEMBERED && oldest !== undefined) answers.delete(oldest);
}

export interface Question<T> {
  readonly value: T | undefined;
  readonly error: string;
  again(): void;
}

/** Half to one and a half of the time: many screens must not ask in one instant. */
export function jittered(ms: number): number {
  return ms * (0.5 + Math.random());
}

/**
 * Asks as long as the component lives: at once, when what it is about changes, when a new snapshot came,
 * and about once a minute while somebody looks. `null` asks nothing.
 */
export function question<T>(about: () => [path: string, query: Query] | null): Question<T> {
  let value = $state.raw<T>();
  let error = $state('');
  let turn = $state(0);
  const address = $derived.by(() => {
    const asked = about();
    return asked ? addressOf(...asked) : '';
  });

  $effect(() => {
    const mine = address;
    untrack(() => {
      value = answers.get(mine) as T | undefined;
      error = '';
    });
  });
  $effect(() => {
    void turn;
    void store.taken;
    if (!address) return;
    let [timer, over] = [0, false];
    const mine = address;
    const asked = about();
    async function turnOver(): Promise<void> {
      if (!asked) return;
      let wait = EVERY_MS;
      try {
        if (document.visibilityState === 'visible' || untrack(() => value === undefined)) {
          const got = await ask<T>(...asked);
          if (over) return;
          remember(mine, got);
          [value, error] = [got, ''];
        }
      } catch (fault) {
        if (over) return;
        error = fault instanceof Error ? fault.message : String(fault);
        wait = AFTER_ERROR_MS;
      }
      timer = window.setTimeout(() => void turnOver(), jittered(wait));
    }
    void turnOver();
    return () => {
      over = true;
      window.clearTimeout(timer);
    };
  });

  return {
    get value() {
      return value;
    },
    get error() {
      return error;
    },
    again: () => (turn += 1),
  };
}
