// Live: the channel to the server; resumes where it stopped, and says so when it is silent.

import type { Clock, Frame, Link, Snapshot } from './shapes';
import { SCHEMA, THEN } from './wire';

const LAGGING_MS = 2000;
const LOST_MS = 4000;
const BASE_MS = 500;
const CAP_MS = 30000;
const LEAST_MS = 300;
/** After a `reset` a snapshot must follow; a server that forgets it is asked again. */
const RESET_MS = 15000;
/** A page that failed for this long may itself be what is broken: it is loaded anew. */
const HOPELESS_MS = 600000;
const RELOAD_GAP_MS = 60000;
/** After an upgrade the page is loaded anew once nobody has touched it for so long; but not later than this. */
const QUIET_MS = 60000;
const PATIENCE_MS = 300000;
/** Screens of one room do not all load in one instant. */
const SPREAD_MS = 1000;
/** The wall's time has moved on so much more than the steady one: the machine slept, or its clock was set. */
const SLEPT_MS = 5000;
const KEEP_MS = 60000;
/** A screen draws every sixtieth of a second. */
const FRAME_MS = 16;
/** Clocks and ages are drawn by eighths of a second; of eight turns each tile has one. */
const TURN_MS = 125;
const TURNS = 8;
/** After the frame of a change: what can wait is drawn with the very next, not when one may come. */
const AFTER_MS = 2;
type Delta = Extract<Frame, { t: 'delta' }>;

/** What the channel needs of a WebSocket. */
export interface Wire {
  onmessage: ((event: { data: string }) => void) | null;
  onclose: ((code?: number) => void) | null;
  close(): void;
  readonly open: boolean;
}

/** A snapshot of an earlier visit, and how long ago that was by the browser's clock. */
export interface Kept {
  snapshot: Snapshot;
  ageMs: number;
}

/** Who holds what the channel brings: the screens' store, or that of `client.ts`. */
export interface Holder {
  epoch: string;
  offset: number;
  readonly build: string;
  link: Link;
  linkError: string;
  locked: boolean;
  retryAt: number;
  heard(): void;
  unheard(): void;
  silence(): number;
  serverNow(): number;
  tick(): void;
  turn(): void;
  forgetPlace(): void;
  snapshot(): Snapshot;
  takeKept(snapshot: Snapshot, ageMs: number): void;
  takeSnapshot(snapshot: Snapshot): void;
  takeDelta(frame: Extract<Frame, { t: 'delta' }>): void;
  takeBeat(frame: Extract<Frame, { t: 'beat' }>): void;
  takeClock(clock: Clock): void;
}

/** What the channel needs of the browser; a test gives its own. */
export interface World {
  dial(place: { epoch: string; offset: number } | null): Wire;
  /** Null: it comes over the channel. */
  snapshot(): Promise<Snapshot | null>;
  answers(): Promise<boolean>;
  reload(): void;
  lastReload(): number;
  later(ms: number, step: () => void): () => void;
  /** Before the next frame is drawn, or soon where none is: a page that is not looked at draws none. */
  soon(step: () => void): void;
  /** Steady: it may stand still while the machine sleeps. */
  now(): number;
  /** The browser's own clock, which may be wrong or be set: only its jumps are looked at. */
  wall(): number;
  /** Since when nobody has touched the page. */
  idle(): number;
  /** For a start while the server is away; null = forget what was kept. */
  keep(snapshot: Snapshot | null): void;
  kept(): Kept | null;
  chance(): number;
}

export class Channel {
  #wire: Wire | null = null;
  #attempt = 0;
  #unplan: () => void = () => undefined;
  #openedAt = 0;
  #resetAt: number | null = null;
  #leaving = false;
  #stopped = false;
  #heartenedAt = 0;
  /** What the server asked to wait, in the `error` before it closed. */
  #askedMs = 0;
  #drift: number | null = null;
  #keptAt = -Infinity;
  /** Deltas that came within the frame of another: they are drawn together with the next. */
  #queue: Delta[] = [];
  #drawnAt = -Infinity;
  #turnedAt = -Infinity;
  #turning = false;

  constructor(
    private readonly store: Holder,
    private readonly world: World,
  ) {}

  async begin(): Promise<void> {
    this.store.heard();
    this.#heartenedAt = this.world.now();
    try {
      const whole = await this.world.snapshot();
      if (whole) this.#takeSnapshot(whole);
      this.store.heard();
    } catch (error) {
      this.store.linkError = error instanceof Error ? error.message : String(error);
      this.#takeKept();
    }
    this.#connect();
  }

  #takeKept(): void {
    // Where the server answers that it wants a token, nobody is shown what another one opened.
    if (this.store.locked) this.world.keep(null);
    const kept = this.world.kept();
    if (!kept || kept.snapshot.schema !== SCHEMA) return;
    try {
      this.store.takeKept(kept.snapshot, kept.ageMs);
    } catch {
      this.world.keep(null);
    }
  }

  /** Full jitter: a whole wall of screens must not come back in one instant. It never gives up. */
  backoff(): number {
    const ceiling = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(this.#attempt, 16));
    this.#attempt += 1;
    return LEAST_MS + this.world.chance() * ceiling;
  }

  /** For good. */
  stop(): void {
    this.#stopped = true;
    this.#hangUp();
    this.#unplan();
  }

  retry(wait: number): void {
    if (this.#stopped) return;
    this.#hangUp();
    this.#unplan();
    this.store.retryAt = this.store.serverNow() + wait;
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
    if (this.#slept()) this.#wake();
    else if (this.#wire && (dead || unanswered)) this.retry(this.backoff());
    if (this.store.link === 'live' && now - this.#keptAt > KEEP_MS) {
      this.#keptAt = now;
      this.world.keep(this.store.snapshot());
    }
    // While changes come they are followed by the turns that are due, so that none waits for a clock.
    if (now - this.#turnedAt >= 2 * TURN_MS - FRAME_MS || this.store.link !== 'live') this.#turn();
  }

  /** What time does to a screen: the turns that are due. */
  #turn(): void {
    const now = this.world.now();
    const due = Math.min(TURNS, Math.round((now - this.#turnedAt) / TURN_MS));
    if (due < 1) return;
    this.#turnedAt = now;
    this.store.tick();
    for (let turn = 0; turn < due; turn += 1) this.store.turn();
  }

  #drawn(): void {
    this.#drawnAt = this.world.now();
    if (this.#turning || this.#drawnAt - this.#turnedAt < TURN_MS - 2 * FRAME_MS) return;
    this.#turning = true;
    // A browser that has just drawn goes on in step with the screen for a while, and what comes then
    // waits for the next step: two frames in a row keep it there hardly longer than one.
    this.world.soon(() => {
      this.world.later(AFTER_MS, () => {
        this.#turning = false;
        this.#turn();
      });
    });
  }

  /** After a sleep the steady clock may have stood still: what is shown is older than it says. */
  #slept(): boolean {
    const drift = this.world.wall() - this.world.now();
    const jump = drift - (this.#drift ?? drift);
    this.#drift = drift;
    return jump > SLEPT_MS;
  }

  #wake(): void {
    this.store.unheard();
    if (!this.#leaving) this.store.link = 'lost';
    this.retry(this.world.chance() * LEAST_MS);
  }

  #connect(): void {
    if (this.#stopped) return;
    this.store.retryAt = 0;
    this.#resetAt = null;
    const { epoch, offset } = this.store;
    const wire = this.world.dial(epoch ? { epoch, offset } : null);
    this.#wire = wire;
    this.#openedAt = this.world.now();
    wire.onmessage = (event) => {
      if (wire === this.#wire) this.#read(event.data);
    };
    wire.onclose = (code) => {
      if (wire === this.#wire) this.#closed(code ?? 1006);
    };
  }

  /** What the number asks for; whatever it is, the channel is tried again for ever. */
  #closed(code: number): void {
    const [then, asked] = [THEN[code] ?? 'reconnect', this.#askedMs];
    this.#askedMs = 0;
    if (then === 'reconnect_anew') this.store.forgetPlace();
    if (then === 'ask_for_token') {
      this.store.locked = true;
      this.world.keep(null);
    }
    if (then === 'reload') this.#leave();
    const hopeless = then === 'ask_for_token' || then === 'stop';
    this.retry(asked + (hopeless ? CAP_MS * (1 + this.world.chance()) : this.backoff()));
  }

  #hangUp(): void {
    // What has come is known, and so is its place.
    this.#drain();
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
    if (frame.t !== 'delta') this.#drain();
    if (frame.t === 'hello') this.#hello(frame);
    else if (frame.t === 'snapshot') this.#takeSnapshot(frame.data);
    else if (frame.t === 'delta') this.#delta(frame);
    else if (frame.t === 'reset') this.#resetAt = this.world.now();
    else if (frame.t === 'error') {
      this.store.linkError = frame.reason;
      this.#askedMs = (frame.retry_after_s ?? 0) * 1000;
    } else if (frame.t === 'beat') {
      this.store.takeBeat(frame);
      // Only a link that lives is a success: a server that greets and hangs up must not be hammered.
      this.#attempt = 0;
      this.store.locked = false;
      this.#heartenedAt = this.world.now();
    }
  }

  /** The first is drawn at once; what follows within a frame waits for it, and is drawn in one go. */
  #delta(frame: Delta): void {
    if (this.#queue.length === 0 && this.world.now() - this.#drawnAt >= FRAME_MS) {
      this.store.takeDelta(frame);
      this.#drawn();
      return;
    }
    this.#queue.push(frame);
    if (this.#queue.length === 1) this.world.soon(() => this.#drain());
  }

  #drain(): void {
    if (this.#queue.length === 0) return;
    for (const frame of this.#queue.splice(0)) this.store.takeDelta(frame);
    this.#drawn();
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
    const gap = this.world.lastReload() + RELOAD_GAP_MS - this.world.wall();
    // A clock that was set back since must not keep the page waiting for a day.
    const wait = Math.min(RELOAD_GAP_MS, Math.max(1000 + this.world.chance() * SPREAD_MS, gap));
    const from = this.world.now();
    const turn = (): void => {
      // Whoever is at work is not interrupted; their place is in the address and in the history.
      const busy = this.world.idle() < QUIET_MS && this.world.now() - from < PATIENCE_MS;
      if (busy) this.world.later(1000, turn);
      else this.world.reload();
    };
    this.world.later(wait, turn);
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
