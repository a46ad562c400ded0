// World: the browser as the channel needs it: sockets, timers, frames.

import type { Wire, World } from './live';
import type { Snapshot } from './shapes';

const FIRST_MS = 5000;
const UNSEEN_MS = 100;

/** Names of what is wanted, as in the address of the channel; nothing named = everything. */
export interface Only {
  scene?: string[];
  indicator?: string[];
  subject?: string[];
  area?: string[];
}

function dial(base: string, place: { epoch: string; offset: number } | null, only: Only): Wire {
  const url = new URL('/api/v1/live', base);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  if (place) {
    url.searchParams.set('epoch', place.epoch);
    url.searchParams.set('offset', String(place.offset));
  }
  for (const [name, asked] of Object.entries(only) as [string, string[]][]) for (const one of asked) url.searchParams.append(name, one);
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

async function snapshot(base: string, locked: () => void): Promise<Snapshot> {
  // A snapshot that hangs must not keep the wall from connecting.
  const answer = await fetch(new URL('/api/v1/snapshot', base), { headers: { accept: 'application/json' }, signal: AbortSignal.timeout(FIRST_MS) });
  if (answer.status === 401) locked();
  if (!answer.ok) throw new Error(`${answer.status}`);
  return (await answer.json()) as Snapshot;
}

async function answers(base: string): Promise<boolean> {
  try {
    return (await fetch(new URL('/healthz', base), { signal: AbortSignal.timeout(FIRST_MS) })).ok;
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

/** `base`: the server's address; `locked` is called when it wants a token. */
export function worldOf(base: string, locked: () => void, own: Pick<World, 'reload' | 'lastReload' | 'idle' | 'keep' | 'kept'>, only: Only = {}): World {
  return {
    dial: (place) => dial(base, place, only),
    // Of a part the channel itself brings the snapshot.
    snapshot: () => (Object.keys(only).length ? Promise.resolve(null) : snapshot(base, locked)),
    answers: () => answers(base),
    later: (ms, step) => {
      const timer = window.setTimeout(step, ms);
      return () => window.clearTimeout(timer);
    },
    soon,
    now: () => performance.now(),
    wall: () => Date.now(),
    chance: Math.random,
    ...own,
  };
}
