// Live: the channel to the server; resumes where it stopped, and says so when it is silent.

import type { Frame, Snapshot } from './shapes';
import { store } from './store.svelte';

const LAGGING_MS = 2000;
const LOST_MS = 4000;
const BASE_MS = 500;
const CAP_MS = 30000;
const LEAST_MS = 300;
const FIRST_MS = 5000;
const SCHEMA = 1;

let socket: WebSocket | null = null;
let attempt = 0;
let timer = 0;
let openedAt = 0;

export async function begin(): Promise<void> {
  store.heard();
  window.setInterval(watch, 250);
  window.addEventListener('online', () => retry(0));
  try {
    const answer = await fetch('/api/v1/snapshot', {
      headers: { accept: 'application/json' },
      // A snapshot that hangs must not keep the wall from connecting.
      signal: AbortSignal.timeout(FIRST_MS),
    });
    if (!answer.ok) throw new Error(`${answer.status}`);
    store.takeSnapshot((await answer.json()) as Snapshot);
    store.heard();
  } catch (error) {
    store.linkError = error instanceof Error ? error.message : String(error);
  }
  connect();
}

/** For pictures and offline trials: `?static` shows the snapshot as if beats kept arriving. */
const still = new URLSearchParams(location.search).has('static') && import.meta.env.DEV;

function connect(): void {
  if (still) return;
  const url = new URL('/api/v1/live', location.href);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  if (store.epoch) {
    url.searchParams.set('epoch', store.epoch);
    url.searchParams.set('offset', String(store.offset));
  }
  store.retryAt = 0;
  const opened = new WebSocket(url);
  socket = opened;
  openedAt = performance.now();
  opened.onmessage = (event: MessageEvent<string>) => {
    if (opened === socket) take(JSON.parse(event.data) as Frame);
  };
  opened.onclose = () => {
    if (opened === socket) retry(backoff());
  };
}

/** Full jitter: a whole wall of screens must not come back in one instant. */
function backoff(): number {
  const ceiling = Math.min(CAP_MS, BASE_MS * 2 ** attempt);
  attempt += 1;
  return LEAST_MS + Math.random() * ceiling;
}

function retry(wait: number): void {
  if (still) return;
  if (socket) {
    socket.onclose = null;
    socket.onmessage = null;
    socket.close();
    socket = null;
  }
  window.clearTimeout(timer);
  store.retryAt = Date.now() + wait;
  timer = window.setTimeout(connect, wait);
}

function take(frame: Frame): void {
  store.heard();
  if (frame.t === 'hello') hello(frame);
  // A newer build may mean something else by the same field: nothing of it is shown.
  else if (store.link === 'incompatible') return;
  else if (frame.t === 'snapshot') store.takeSnapshot(frame.data);
  else if (frame.t === 'delta') store.takeDelta(frame);
  else if (frame.t === 'beat') {
    store.takeBeat(frame);
    // Only a link that lives is a success: a server that greets and hangs up must not be hammered.
    attempt = 0;
  }
}

function hello(frame: Extract<Frame, { t: 'hello' }>): void {
  const changed = store.build !== '' && frame.build !== store.build;
  if (frame.schema === SCHEMA && !changed) {
    store.takeClock(frame.clock);
    return;
  }
  store.link = 'incompatible';
  // One reload a minute at most: a server that is half upgraded must not make the wall flicker.
  const last = Number(sessionStorage.getItem('reloaded') ?? 0);
  const wait = Math.max(1000, last + 60000 - Date.now());
  window.setTimeout(() => {
    sessionStorage.setItem('reloaded', String(Date.now()));
    location.reload();
  }, wait);
}

function watch(): void {
  if (still) store.heard();
  const silence = store.silence();
  if (store.link !== 'incompatible') {
    if (silence > LOST_MS) store.link = 'lost';
    else if (silence > LAGGING_MS) store.link = 'lagging';
    else store.link = socket?.readyState === WebSocket.OPEN || still ? 'live' : 'connecting';
    document.body.dataset['link'] = store.link;
  }
  // A socket that is open and silent is dead: the network dropped it without a word.
  const tried = performance.now() - openedAt;
  if (silence > 2 * LOST_MS && tried > 2 * LOST_MS && socket) retry(backoff());
  store.tick();
}
