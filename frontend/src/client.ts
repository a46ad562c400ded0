// Client: the live channel for pages that are not ours; served as `/client.js`, with no library.
// Documented in docs/reference/browser-client.md.

import { Channel, type Holder, type World } from './data/live';
import type { Alert, Clock, Frame, Link, Reading, Snapshot, Source } from './data/shapes';
import { worldOf, type Only } from './data/world';

const WATCH_MS = 250;

/** What a page wants to be told; everything may be left out. */
export interface Told {
  /** `whole`: these are all; what was held before is to be forgotten. */
  figures?(figures: Reading[], whole: boolean): void;
  alerts?(alerts: Alert[], whole: boolean): void;
  sources?(sources: Partial<Source>[], whole: boolean): void;
  link?(link: Link): void;
  /** A token is wanted, or another one: post it to /api/v1/session. */
  locked?(): void;
  /** The server has another build than this page's script. */
  outdated?(): void;
}

export class Plain implements Holder {
  epoch = '';
  offset = -1;
  build = '';
  linkError = '';
  locked = false;
  retryAt = 0;
  #link: Link = 'connecting';
  #heardAt = performance.now();
  #clock: Clock | null = null;
  #clockAt = 0;
  #last: Snapshot | null = null;

  constructor(private readonly told: Told) {}

  get link(): Link {
    return this.#link;
  }
  set link(link: Link) {
    if (link === this.#link) return;
    this.#link = link;
    this.told.link?.(link);
  }
  heard(): void {
    this.#heardAt = performance.now();
  }
  unheard(): void {
    this.#heardAt = -Infinity;
  }
  silence(): number {
    return performance.now() - this.#heardAt;
  }
  serverNow(): number {
    return this.#clock ? Date.parse(this.#clock.real) + performance.now() - this.#clockAt : Date.now();
  }
  /** Data time now, in milliseconds: ages are counted from it, never from the browser's clock. */
  dataNow(): number {
    return this.#clock ? Date.parse(this.#clock.data) + (performance.now() - this.#clockAt) * this.#clock.rate : NaN;
  }
  tick(): void {
    // Nothing is drawn here.
  }
  turn(): void {
    // Nothing is drawn here.
  }
  forgetPlace(): void {
    [this.epoch, this.offset] = ['', -1];
  }
  snapshot(): Snapshot {
    if (!this.#last) throw new Error('no snapshot has come yet; wait for figures(…, true)');
    return this.#last;
  }
  takeKept(): void {
    // Whoever embeds this keeps what it likes.
  }
  takeSnapshot(data: Snapshot): void {
    if (this.#link === 'incompatible') return;
    [this.epoch, this.offset, this.build, this.#last] = [data.epoch, data.offset, data.build, data];
    this.takeClock(data.clock);
    this.told.sources?.(data.sources, true);
    this.told.figures?.(data.readings, true);
    this.told.alerts?.(data.alerts, true);
  }
  takeDelta(frame: Extract<Frame, { t: 'delta' }>): void {
    if (this.#link === 'incompatible') return;
    this.offset = frame.offset;
    if (frame.sources?.length) this.told.sources?.(frame.sources, false);
    if (frame.readings?.length) this.told.figures?.(frame.readings, false);
    if (frame.alerts?.length) this.told.alerts?.(frame.alerts, false);
  }
  takeBeat(frame: Extract<Frame, { t: 'beat' }>): void {
    this.takeClock(frame.clock);
    this.told.sources?.(frame.sources, false);
  }
  takeClock(clock: Clock): void {
    [this.#clock, this.#clockAt] = [clock, performance.now()];
  }
}

/** Follow a server for ever, or a part of what it tells; gives what stops it and what data time it is. */
export function follow(base: string, told: Told, only: Only = {}, world?: World): { stop(): void; dataNow(): number } {
  const plain = new Plain(told);
  const locked = (): void => {
    plain.locked = true;
    told.locked?.();
  };
  const own = { reload: () => told.outdated?.(), lastReload: () => 0, idle: () => Infinity, keep: (kept: Snapshot | null) => kept ?? locked(), kept: () => null };
  const channel = new Channel(plain, world ?? worldOf(base, locked, own, only));
  void channel.begin();
  const timer = setInterval(() => channel.watch(), WATCH_MS);
  return {
    stop: () => {
      clearInterval(timer);
      channel.stop();
    },
    dataNow: () => plain.dataNow(),
  };
}
