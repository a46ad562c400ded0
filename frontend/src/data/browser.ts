// Browser: how a screen's channel begins, and what a screen keeps for itself.

import { keep, kept } from './kept';
import { Channel } from './live';
import { store } from './store.svelte';
import { worldOf } from './world';

/** After the first figures are drawn: nothing is to wait for this. */
const SHELVE_MS = 3000;
const WATCH_MS = 125;
const RELOADED = 'reloaded';
let touchedAt = -Infinity;

const world = worldOf(location.href, () => (store.locked = true), {
  reload: () => {
    sessionStorage.setItem(RELOADED, String(Date.now()));
    location.reload();
  },
  lastReload: () => Number(sessionStorage.getItem(RELOADED) ?? 0),
  idle: () => performance.now() - touchedAt,
  keep,
  kept,
});

/** What this page is made of is put where `offline.js` finds it, and what older builds left is taken out. */
async function shelve(): Promise<void> {
  if (!('serviceWorker' in navigator)) return;
  await navigator.serviceWorker.register('/offline.js');
  await navigator.serviceWorker.ready;
  const loaded = performance.getEntriesByType('resource').map((entry) => new URL(entry.name));
  const assets = loaded.filter((url) => url.origin === location.origin && url.pathname.startsWith('/assets/'));
  const wanted = new Set(['/', ...assets.map((url) => url.pathname)]);
  const shelf = await caches.open('page');
  for (const held of await shelf.keys()) if (!wanted.has(new URL(held.url).pathname)) await shelf.delete(held);
  await shelf.addAll([...wanted]);
  document.body.dataset['shelved'] = '';
}

export function begin(): void {
  for (const touch of ['pointerdown', 'keydown', 'wheel', 'touchmove'])
    window.addEventListener(touch, () => (touchedAt = performance.now()), { passive: true });
  const channel = new Channel(store, world);
  void channel.begin();
  window.setInterval(() => {
    channel.watch();
    document.body.dataset['link'] = store.link;
  }, WATCH_MS);
  window.addEventListener('online', () => channel.retry(0));
  // The page itself must open while the server is away; only browsers that trust the address do this.
  window.setTimeout(() => void shelve().catch(() => undefined), SHELVE_MS);
}
