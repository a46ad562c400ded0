// Store: everything the screens show, filled by the snapshot and kept by the live channel.

import { untrack } from 'svelte';
import { SvelteMap } from 'svelte/reactivity';

import { ageSeconds, dataTime, iso, judge, stepped, worse } from './ages';
import { scoreOf } from './score';
import { RANK } from './severity';
import type { Alert, Clock, Frame, Indicator, Link, Quality, Reading, Scene, Score, Snapshot, Source, Subject } from './shapes';

export function keyOf(indicator: string, subject: string, period: string): string {
  return `${indicator}|${subject}|${period}`;
}

const STUCK_MS = 30000;
const STEP_MS = 2000;
/** Ages move in so many turns of a second: two hundred tiles in one frame would hold up a change. */
const TURNS = 8;

export class Store {
  readonly readings = new SvelteMap<string, Reading>();
  readonly sources = new SvelteMap<string, Source>();
  readonly indicators = new SvelteMap<string, Indicator>();
  readonly subjects = new SvelteMap<string, Subject>();
  readonly alerts = new SvelteMap<number, Alert>();
  /** Subjects outside the snapshot that a page shows; they stay over a new snapshot. */
  readonly guests = new SvelteMap<string, Subject>();
  /** Grows with every snapshot: what was asked for beside it must be asked again. */
  taken = $state(0);
  scene = $state.raw<Scene>({ groups: [], map: null });
  loaded = $state(false);
  link = $state<Link>('connecting');
  linkError = $state('');
  /** The server wants a token, or another one. */
  locked = $state(false);
  /** What is shown is of an earlier visit: nothing of it is current. */
  offline = $state(false);
  /** Data time now, in milliseconds; it stands still while nothing arrives. */
  now = $state(0);
  simulated = $state(false);
  rate = $state(1);
  /** Since when nothing has arrived, and when the next attempt is made; by the server's clock. */
  silentSince = $state(0);
  retryAt = $state(0);
  wallNow = $state(Date.now());

  epoch = '';
  offset = -1;
  build = '';
  schema = 0;
  /** Per loading source: when its progress was last seen to move, by the browser's own timer. */
  readonly #moved = new SvelteMap<string, number>();
  /** Readings that were worse than their source when they came: their own flaw, until it is mended. */
  readonly #flaws = new SvelteMap<string, Quality>();
  /** What each source is now; set only where it changes, so that a second that passes touches no tile. */
  readonly #judged = new SvelteMap<string, Quality>();
  readonly #ages = Array.from({ length: TURNS }, () => new SvelteMap<string, number | null>());
  #turn = 0;
  #total = $state(0);
  #counted = true;
  /** What the last snapshot brought figures of, and what it named: departments it only names. */
  #brought = setOf([]);
  #named = setOf([]);
  /** When a delta last spoke of a guest. */
  readonly #spoken = new SvelteMap<string, number>();
  #clock: Clock | null = null;
  #clockAt = 0;
  #heardAt = 0;

  /** Reckoned anew with a turn: a change of one tile is drawn before all are counted. */
  score = $derived.by<Score>(() => this.totalled((quality) => scoreOf(this.scene, this.indicators, (i, s, p) => this.reading(i, s, p), quality)));
  openAlerts = $derived.by<Alert[]>(() =>
    [...this.alerts.values()]
      .filter((alert) => alert.state === 'active')
      .sort((a, b) => RANK[b.severity] - RANK[a.severity] || b.since.localeCompare(a.since)),
  );

  /** What is made of all tiles, as they were at the last turn. */
  totalled<T>(made: (quality: (reading: Reading) => Quality) => T): T {
    void this.#total;
    return untrack(() => made((reading) => this.quality(reading)));
  }

  reading(indicator: string, subject: string, period: string): Reading | undefined {
    return this.readings.get(keyOf(indicator, subject, period));
  }

  sourceQuality(source: Source): Quality {
    const seen = judge(source, source.quality, this.now, this.rate);
    return this.offline ? worse(seen, 'stale') : seen;
  }

  /** The worse of what the source is now and what was said of the reading itself. */
  quality(reading: Reading): Quality {
    const now = this.#judged.get(reading.source);
    if (!now || reading.quality === 'no_source') return reading.quality;
    const key = keyOf(reading.indicator, reading.subject, reading.period);
    // A held reading is not sent again when only its source recovers; one that was asked for is.
    const own = this.readings.has(key) ? this.#flaws.get(key) : reading.quality;
    return worse(now, own ?? 'fresh');
  }

  /** Age of a source's figures as tiles of this turn, or of that many, show it. */
  age(source: string, turn: number): number | null {
    return this.#ages[turn % TURNS]?.get(source) ?? null;
  }

  /** One turn's ages; called eight times a second. */
  turn(): void {
    this.#turn = (this.#turn + 1) % TURNS;
    this.#grow(this.#turn);
  }

  #grow(turn: number): void {
    for (const source of this.sources.values()) this.#ages[turn]?.set(source.id, stepped(ageSeconds(source.watermark, this.now)));
  }

  #count(): void {
    if (this.#counted) return;
    this.#counted = true;
    this.#total += 1;
  }

  #rejudge(): void {
    for (const id of [...this.#judged.keys()]) if (!this.sources.has(id)) this.#judged.delete(id);
    for (const source of this.sources.values()) this.#judge(source);
  }

  #judge(source: Source): void {
    const now = this.sourceQuality(source);
    if (this.#judged.get(source.id) === now) return;
    this.#judged.set(source.id, now);
    this.#counted = false;
  }

  takeClock(clock: Clock): void {
    this.#setClock(clock);
    this.tick();
  }

  /** The time it tells is drawn with the next turn. */
  #setClock(clock: Clock): void {
    this.#clock = clock;
    this.#clockAt = performance.now();
    this.simulated = clock.simulated;
    this.rate = clock.rate;
  }

  heard(): void {
    this.#heardAt = performance.now();
    this.silentSince = this.serverNow();
  }

  /** The machine slept: nothing was heard for longer than any timer here can tell. */
  unheard(): void {
    this.#heardAt = -Infinity;
  }

  /** Real time as the server has it: a browser's own clock may be wrong by a day. */
  serverNow(): number {
    const told = this.#clock ? Date.parse(this.#clock.real) : NaN;
    return Number.isNaN(told) ? Date.now() : told + performance.now() - this.#clockAt;
  }

  silence(): number {
    return performance.now() - this.#heardAt;
  }

  /** Carries data time on; called often, and only moves while frames arrive. */
  tick(): void {
    this.wallNow = this.serverNow();
    this.#count();
    if (!this.#clock || this.link === 'lost') return;
    const until = Math.min(performance.now(), Math.max(this.#clockAt, this.#heardAt + 2000));
    this.now = Math.floor(dataTime(this.#clock, this.#clockAt, until) / 1000) * 1000;
    this.#rejudge();
  }

  /** Of an earlier visit: shown as stale, aged by how long ago it was; no place to read on from. */
  takeKept(data: Snapshot, ageMs: number): void {
    this.takeSnapshot(data);
    this.takeClock({ ...data.clock, data: iso(Date.parse(data.clock.data) + Math.max(0, ageMs) * data.clock.rate) });
    this.offline = true;
    this.#rejudge();
    this.forgetPlace();
    // The page need not be of the build that was kept.
    this.build = '';
  }

  forgetPlace(): void {
    this.epoch = '';
    this.offset = -1;
  }

  /** All that is held, as a snapshot of now. */
  snapshot(): Snapshot {
    return {
      epoch: this.epoch, offset: this.offset, build: this.build, schema: this.schema,
      clock: { data: iso(this.now), real: iso(this.serverNow()), rate: this.rate, simulated: this.simulated },
      sources: [...this.sources.values()], indicators: [...this.indicators.values()],
      subjects: [...this.subjects.values()].filter((s) => this.#named.has(s.id)), scene: this.scene,
      readings: [...this.readings.values()].filter((r) => this.#brought.has(r.subject)),
      alerts: [...this.alerts.values()], score: null,
    };
  }

  takeSnapshot(data: Snapshot): void {
    if (this.link === 'incompatible') return;
    this.offline = false;
    this.epoch = data.epoch;
    this.offset = data.offset;
    this.build = data.build;
    this.schema = data.schema;
    for (const source of data.sources) this.#takeSource(source);
    refill(this.sources, data.sources, (s) => s.id);
    refill(this.indicators, data.indicators, (i) => i.id);
    refill(this.subjects, [...data.subjects, ...this.guests.values()], (s) => s.id);
    const asked = [...this.readings.values()].filter((r) => this.guests.has(r.subject));
    this.#brought = setOf(data.readings.map((reading) => reading.subject));
    this.#named = setOf(data.subjects.map((subject) => subject.id));
    this.#flaws.clear();
    refill(this.readings, [...asked, ...data.readings], (r) => keyOf(r.indicator, r.subject, r.period));
    for (const reading of data.readings) this.#noteFlaw(reading);
    refill(this.alerts, data.alerts, (a) => a.id);
    this.scene = data.scene;
    this.takeClock(data.clock);
    this.#rejudge();
    this.#total += 1;
    for (let turn = 0; turn < TURNS; turn += 1) this.#grow(turn);
    this.loaded = true;
    this.taken += 1;
  }

  /** From now on deltas about this subject are kept too; an answer never overtakes a later delta. */
  takeGuest(subject: Subject, readings: Reading[]): void {
    if (this.link === 'incompatible') return;
    this.guests.set(subject.id, subject);
    this.subjects.set(subject.id, subject);
    for (const fresh of readings) {
      const held = this.reading(fresh.indicator, fresh.subject, fresh.period);
      if (!held || (held.watermark ?? '') <= (fresh.watermark ?? '')) this.#takeReading(fresh);
    }
  }

  dismissGuest(id: string): void {
    if (!this.guests.delete(id)) return;
    if (!this.#named.has(id)) this.subjects.delete(id);
    this.#spoken.delete(id);
    if (this.#brought.has(id)) return;
    for (const [key, reading] of this.readings) {
      if (reading.subject !== id) continue;
      this.readings.delete(key);
      this.#flaws.delete(key);
    }
  }

  /** Whether every snapshot and refresh brings the figures of this subject. */
  brought(id: string): boolean {
    return this.#brought.has(id);
  }

  /** Milliseconds since a delta last spoke of a guest. */
  silenceAbout(id: string): number {
    return performance.now() - (this.#spoken.get(id) ?? -Infinity);
  }

  takeDelta(frame: Extract<Frame, { t: 'delta' }>): void {
    if (this.link === 'incompatible') return;
    this.offset = frame.offset;
    // Sources first: a reading is compared with what its source is by the same frame.
    for (const source of frame.sources ?? []) this.#takeSource(source);
    for (const fresh of frame.readings ?? []) {
      this.#takeReading(fresh);
      if (this.guests.has(fresh.subject)) this.#spoken.set(fresh.subject, performance.now());
    }
    for (const alert of frame.alerts ?? []) {
      if (alert.state === 'resolved') this.alerts.delete(alert.id);
      else this.alerts.set(alert.id, alert);
    }
  }

  takeBeat(frame: Extract<Frame, { t: 'beat' }>): void {
    if (this.link === 'incompatible') return;
    this.#setClock(frame.clock);
    // A clock that was set is shown at once; one that runs, with the next turn.
    if (!(Math.abs(Date.parse(frame.clock.data) - this.now) <= STEP_MS * Math.max(1, frame.clock.rate))) this.tick();
    for (const told of frame.sources) if (this.sources.has(told.id)) this.#takeSource(told);
  }

  /** Whether a load has stood still for longer than a slow page takes. */
  stuck(source: Source | undefined): boolean {
    if (!source || this.sourceQuality(source) !== 'loading') return false;
    void this.wallNow; // moves with every tick, so that screens ask again
    const since = this.#moved.get(source.id);
    return since !== undefined && performance.now() - since > STUCK_MS;
  }

  /** Only what the snapshot brought or a screen shows is kept: memory must not grow with the day. */
  #takeReading(fresh: Reading): void {
    const key = keyOf(fresh.indicator, fresh.subject, fresh.period);
    const held = this.readings.get(key);
    if (!held && !this.subjects.has(fresh.subject)) return;
    this.#counted = false;
    this.readings.set(key, { ...fresh, delta: fresh.delta ?? held?.delta, trend: fresh.trend ?? held?.trend });
    this.#noteFlaw(fresh);
  }

  #noteFlaw(reading: Reading): void {
    const key = keyOf(reading.indicator, reading.subject, reading.period);
    const said = this.sources.get(reading.source)?.quality ?? 'fresh';
    if (said !== reading.quality && worse(said, reading.quality) === reading.quality) this.#flaws.set(key, reading.quality);
    else this.#flaws.delete(key);
  }

  #takeSource(told: Pick<Source, 'id'> & Partial<Source>): void {
    const held = this.sources.get(told.id);
    if (!held || held.progress !== told.progress || held.watermark !== told.watermark) this.#moved.set(told.id, performance.now());
    if (held && (Object.keys(told) as (keyof Source)[]).every((field) => held[field] === told[field])) return;
    const now = { ...held, ...told } as Source;
    this.sources.set(told.id, now);
    this.#judged.set(told.id, this.sourceQuality(now));
    if (held?.quality === now.quality) return;
    // The source has caught up with what a reading said of it: then it was no flaw of the reading.
    for (const [key, flaw] of [...this.#flaws])
      if (this.readings.get(key)?.source === now.id && worse(now.quality, flaw) === now.quality) this.#flaws.delete(key);
  }
}

function setOf(ids: string[]): ReadonlySet<string> {
  return new Set(ids);
}

function refill<K, V>(map: SvelteMap<K, V>, values: V[], key: (value: V) => K): void {
  const keep = new Set(values.map(key));
  for (const old of [...map.keys()]) if (!keep.has(old)) map.delete(old);
  for (const value of values) map.set(key(value), value);
}

export const store = new Store();
