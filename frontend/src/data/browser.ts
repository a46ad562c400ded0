// Browser: the channel's world as it is in a real one, and its beginning.

import { keep, kept } from './kept';
import { Channel, type Wire, type World } from './live';
import type { Snapshot } from './shapes';
import { store } from './store.svelte';

const FIRST_MS = 5000;
const UNSEEN_MS = 100;
/** After the first figures are drawn: nothing is to wait for this. */
const SHELVE_MS = 3000;
const WATCH_MS = 125;
const RELOADED = 'reloaded';
let touchedAt = -Infinity;

function dial(place: { epoch: string; offset: number } | null): Wire {
  const url = new URL('/api/v1/live', location.href);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  if (place) {
    url.searchParams.set('epoch', place.epoch);
    url.searchParams.set('offset', String(place.offset));
  }
  const socket = new WebSocket(url);
  const wire: Wire = {
    onmessage: null,
    onclose: null,
    close: () => socket.close(),
    get open() {
      return socket.readyState === WebSocket.OPEN;
    },
  };
  socket.onmessage = (event: MessageEvent<string>) => wire.onmessage?.(event);
  socket.onclose = (event: CloseEvent) => wire.onclose?.(event.code);
  return wire;
}

async function snapshot(): Promise<Snapshot> {
  // A snapshot that hangs must not keep the wall from connecting.
  const answer = await fetch('/api/v1/snapshot', { headers: { accept: 'application/json' }, signal: AbortSignal.timeout(FIRST_MS) });
  if (answer.status === 401) store.locked = true;
  if (!answer.ok) throw new Error(`${answer.status}`);
  return (await answer.json()) as Snapshot;
}

async function answers(): Promise<boolean> {
  try {
    return (await fetch('/healthz', { signal: AbortSignal.timeout(FIRST_MS) })).ok;
  } catch {
    return false;
  }
}

function soon(step: () => void): void {
  let done = false;
  const once = (): void => {
    if (!done) step();
    done = true;
  };
  requestAnimationFrame(once);
  window.setTimeout(once, UNSEEN_MS);
}

const world: World = {
  dial,
  snapshot,
  answers,
  reload: () => {
    sessionStorage.setItem(RELOADED, String(Date.now()));
    location.reload();
  },
  lastReload: () => Number(sessionStorage.getItem(RELOADED) ?? 0),
  later: (ms, step) => {
    const timer = window.setTimeout(step, ms);
    return () => window.clearTimeout(timer);
  },
  soon,
  now: () => performance.now(),
  wall: () => Date.now(),
  idle: () => performance.now() - touchedAt,
  keep,
  kept,
  chance: Math.random,
};

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
