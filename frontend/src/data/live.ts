// Live: the channel to the server; resumes where it stopped, and says so when it is silent.

import type { Frame, Snapshot } from './shapes';
import type { Store } from './store.svelte';

const LAGGING_MS = 2000;
const LOST_MS = 4000;
const BASE_MS = 500;
const CAP_MS = 30000;
const LEAST_MS = 300;
const SCHEMA = 1;
/** After a `reset` a snapshot must follow; a server that forgets it is asked again. */
const RESET_MS = 15000;
/** A page that failed for this long may itself be what is broken: it is loaded anew. */
const HOPELESS_MS = 600000;
const RELOAD_GAP_MS = 60000;

/** What the channel needs of a WebSocket. */
export interface Wire {
  onmessage: ((event: { data: string }) => void) | null;
  onclose: (() => void) | null;
  close(): void;
  readonly open: boolean;
}

/** What the channel needs of the browser; a test gives its own. */
export interface World {
  dial(place: { epoch: string; offset: number } | null): Wire;
  snapshot(): Promise<Snapshot>;
  answers(): Promise<boolean>;
  reload(): void;
  lastReload(): number;
  later(ms: number, step: () => void): () => void;
  now(): number;
  chance(): number;
}

export class Channel {
  #wire: Wire | null = null;
  #attempt = 0;
  #unplan: () => void = () => undefined;
  #openedAt = 0;
  #resetAt: number | null = null;
  #leaving = false;
  #heartenedAt = 0;

  constructor(
    private readonly store: Store,
    private readonly world: World,
  ) {}

  async begin(): Promise<void> {
    this.store.heard();
    this.#heartenedAt = this.world.now();
    try {
      this.#takeSnapshot(await this.world.snapshot());
      this.store.heard();
    } catch (error) {
      this.store.linkError = error instanceof Error ? error.message : String(error);
    }
    this.#connect();
  }

  /** Full jitter: a whole wall of screens must not come back in one instant. It never gives up. */
  backoff(): number {
    const ceiling = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(this.#attempt, 16));
    this.#attempt += 1;
    return LEAST_MS + this.world.chance() * ceiling;
  }

  retry(wait: number): void {
    this.#hangUp();
    this.#unplan();
    this.store.retryAt = Date.now() + wait;
    this.#unplan = this.world.later(wait, () => this.#connect());
  }

  /** Called by a timer: what the silence means. */
  watch(): void {
    const [silence, now] = [this.store.silence(), this.world.now()];
    if (!this.#leaving) {
      if (silence > LOST_MS) this.store.link = 'lost';
      else if (silence > LAGGING_MS) this.store.link = 'lagging';
      else if (this.#resetAt !== null || !this.#wire?.open) this.store.link = 'connecting';
      else this.store.link = 'live';
      this.#despair(now);
    }
    const unanswered = this.#resetAt !== null && now - this.#resetAt > RESET_MS;
    // A socket that is open and silent is dead: the network dropped it without a word.
    const dead = silence > 2 * LOST_MS && now - this.#openedAt > 2 * LOST_MS;
    if (this.#wire && (dead || unanswered)) this.retry(this.backoff());
    this.store.tick();
  }

  #connect(): void {
    this.store.retryAt = 0;
    this.#resetAt = null;
    const { epoch, offset } = this.store;
    const wire = this.world.dial(epoch ? { epoch, offset } : null);
    this.#wire = wire;
    this.#openedAt = this.world.now();
    wire.onmessage = (event) => {
      if (wire === this.#wire) this.#read(event.data);
    };
    wire.onclose = () => {
      if (wire === this.#wire) this.retry(this.backoff());
    };
  }

  #hangUp(): void {
    const old = this.#wire;
    this.#wire = null;
    if (!old) return;
    old.onclose = null;
    old.onmessage = null;
    old.close();
  }

  #read(text: string): void {
    let frame: Frame;
    try {
      frame = JSON.parse(text) as Frame;
    } catch {
      // Half a frame is a lost frame: read on from the last whole one.
      this.retry(this.backoff());
      return;
    }
    this.take(frame);
  }

  take(frame: Frame): void {
    this.store.heard();
    // A newer build may mean something else by the same field: nothing of it is shown.
    if (this.#leaving) return;
    if (frame.t === 'hello') this.#hello(frame);
    else if (frame.t === 'snapshot') this.#takeSnapshot(frame.data);
    else if (frame.t === 'delta') this.store.takeDelta(frame);
    else if (frame.t === 'reset') this.#resetAt = this.world.now();
    else if (frame.t === 'beat') {
      this.store.takeBeat(frame);
      // Only a link that lives is a success: a server that greets and hangs up must not be hammered.
      this.#attempt = 0;
      this.#heartenedAt = this.world.now();
    }
  }

  #takeSnapshot(data: Snapshot): void {
    if (this.#strange(data)) return;
    this.#resetAt = null;
    this.store.takeSnapshot(data);
  }

  #hello(frame: Extract<Frame, { t: 'hello' }>): void {
    if (!this.#strange(frame)) this.store.takeClock(frame.clock);
  }

  /** Whether this is of another build or schema; then the page is loaded again, once. */
  #strange(told: { build: string; schema: number }): boolean {
    const { build } = this.store;
    if (!this.#leaving && told.schema === SCHEMA && (build === '' || told.build === build)) return false;
    this.#leave();
    return true;
  }

  #leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.store.link = 'incompatible';
    // One reload a minute at most: a server that is half upgraded must not make the wall flicker.
    const wait = Math.max(1000, this.world.lastReload() + RELOAD_GAP_MS - Date.now());
    this.world.later(wait, () => this.world.reload());
  }

  #despair(now: number): void {
    if (now - this.#heartenedAt < HOPELESS_MS) return;
    this.#heartenedAt = now;
    // Only into a server that answers: a page that cannot be loaded would be worse than an old one.
    void this.world.answers().then((yes) => {
      if (yes && this.store.link === 'lost') this.world.reload();
    });
  }
}
