// Route: which screen is shown, and where a reader was on it; plain history, no library.

import { tick } from 'svelte';

export const place = $state({ path: location.pathname, search: location.search });

const RESTORE_MS = 3000;
const SAVE_MS = 150;
let restoring = 0;
let saving = 0;

function read(): void {
  place.path = location.pathname;
  place.search = location.search;
}

/** What the address asks for; else a wall hangs in a dimmed room and a desk stands in a lit one. */
export function themeOf(path: string, search: string): 'light' | 'dark' {
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- only read
  const asked = new URLSearchParams(search).get('theme');
  if (asked === 'light' || asked === 'dark') return asked;
  return path === '/wall' ? 'dark' : 'light';
}

/** The present address with some of its query changed; an empty text takes a name out. */
export function altered(change: Record<string, string>, path = place.path): string {
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- used once and thrown away
  const query = new URLSearchParams(place.search);
  for (const [name, value] of Object.entries(change)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString();
  return path + (text ? `?${text}` : '');
}

/** Language and theme stay in the address, so a link can be passed on. */
function carried(href: string): URL {
  const next = new URL(href, location.href);
  const kept = new URLSearchParams(location.search);
  for (const name of ['lang', 'theme']) {
    const value = kept.get(name);
    if (value !== null && !next.searchParams.has(name)) next.searchParams.set(name, value);
  }
  return next;
}

/** To another page, or to another view of this one. */
export function go(href: string): void {
  const next = carried(href);
  const elsewhere = next.pathname !== location.pathname;
  stopRestoring();
  // What was saved late would be saved for the next page.
  window.clearTimeout(saving);
  history.replaceState({ y: window.scrollY }, '');
  history.pushState(null, '', next);
  read();
  window.scrollTo(0, 0);
  // Whoever follows a link with the keyboard goes on from the new page's beginning.
  if (elsewhere) void tick().then(() => document.getElementById('content')?.focus({ preventScroll: true }));
}

/** Another choice on this page: the address tells it, the way back does not count it. */
export function choose(change: Record<string, string>): void {
  history.replaceState(history.state, '', carried(altered(change)));
  read();
}

function stopRestoring(): void {
  window.cancelAnimationFrame(restoring);
  restoring = 0;
}

/** The page is short until its answers are in: tried again until it is long enough, or somebody scrolls. */
function restore(y: number): void {
  const until = performance.now() + RESTORE_MS;
  const turn = (): void => {
    const room = document.documentElement.scrollHeight - window.innerHeight;
    window.scrollTo(0, Math.min(y, room));
    restoring = room < y && performance.now() < until ? window.requestAnimationFrame(turn) : 0;
  };
  stopRestoring();
  restoring = window.requestAnimationFrame(turn);
}

export function follow(): void {
  history.scrollRestoration = 'manual';
  window.addEventListener('scroll', () => {
    window.clearTimeout(saving);
    saving = window.setTimeout(() => restoring || history.replaceState({ y: window.scrollY }, ''), SAVE_MS);
  });
  restore((history.state as { y?: number } | null)?.y ?? 0);
  window.addEventListener('popstate', (event: PopStateEvent) => {
    window.clearTimeout(saving);
    read();
    restore((event.state as { y?: number } | null)?.y ?? 0);
  });
  for (const moved of ['wheel', 'touchmove', 'keydown']) window.addEventListener(moved, stopRestoring, { passive: true });
  document.addEventListener('click', (event) => {
    const link = (event.target as Element | null)?.closest('a');
    if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (link.origin !== location.origin || link.target || link.hasAttribute('download')) return;
    event.preventDefault();
    go(link.href);
  });
}
