// Store: everything the screens show, filled by the snapshot and kept by the live channel.

import { SvelteMap } from 'svelte/reactivity';

import { dataTime, judge } from './ages';
import { scoreOf } from './score';
import type { Alert, Clock, Frame, Indicator, Link, Quality, Reading, Scene, Score, Snapshot, Source, Subject } from './shapes';

export function keyOf(indicator: string, subject: string, period: string): string {
  return `${indicator}|${subject}|${period}`;
}

const STUCK_MS = 30000;

class Store {
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
  /** Data time now, in milliseconds; it stands still while nothing arrives. */
  now = $state(0);
  simulated = $state(false);
  rate = $state(1);
  /** Since when (browser time) nothing has arrived, and when the next attempt is made. */
  silentSince = $state(0);
  retryAt = $state(0);
  wallNow = $state(Date.now());

  epoch = '';
  offset = -1;
  build = '';
  schema = 0;
  readonly #moved = new SvelteMap<string, number>();
  #clock: Clock | null = null;
  #clockAt = 0;
  #heardAt = 0;

  score = $derived.by<Score>(() =>
    scoreOf(this.scene, this.indicators, (i, s, p) => this.reading(i, s, p), (r) => this.quality(r)),
  );
  openAlerts = $derived.by<Alert[]>(() =>
    [...this.alerts.values()]
      .filter((alert) => alert.state === 'active')
      .sort((a, b) => Number(b.severity === 'critical') - Number(a.severity === 'critical') || b.since.localeCompare(a.since)),
  );

  reading(indicator: string, subject: string, period: string): Reading | undefined {
    return this.readings.get(keyOf(indicator, subject, period));
  }

  sourceQuality(source: Source): Quality {
    return judge(source, source.quality, this.now, this.rate);
  }

  quality(reading: Reading): Quality {
    const source = this.sources.get(reading.source);
    if (!source || reading.quality === 'no_source') return reading.quality;
    return judge(source, source.quality, this.now, this.rate);
  }

  takeClock(clock: Clock): void {
    this.#clock = clock;
    this.#clockAt = performance.now();
    this.simulated = clock.simulated;
    this.rate = clock.rate;
    this.tick();
  }

  heard(): void {
    this.#heardAt = performance.now();
    this.silentSince = Date.now();
  }

  silence(): number {
    return performance.now() - this.#heardAt;
  }

  /** Carries data time on; called often, and only moves while frames arrive. */
  tick(): void {
    this.wallNow = Date.now();
    if (!this.#clock || this.link === 'lost') return;
    const until = Math.min(performance.now(), Math.max(this.#clockAt, this.#heardAt + 2000));
    this.now = Math.floor(dataTime(this.#clock, this.#clockAt, until) / 1000) * 1000;
  }

  takeSnapshot(data: Snapshot): void {
    this.epoch = data.epoch;
    this.offset = data.offset;
    this.build = data.build;
    this.schema = data.schema;
    refill(this.sources, data.sources, (s) => s.id);
    refill(this.indicators, data.indicators, (i) => i.id);
    refill(this.subjects, [...data.subjects, ...this.guests.values()], (s) => s.id);
    refill(this.readings, data.readings, (r) => keyOf(r.indicator, r.subject, r.period));
    refill(this.alerts, data.alerts, (a) => a.id);
    this.scene = data.scene;
    this.takeClock(data.clock);
    this.loaded = true;
    this.taken += 1;
  }

  /** From now on deltas about this subject are kept too. */
  takeGuest(subject: Subject, readings: Reading[]): void {
    this.guests.set(subject.id, subject);
    this.subjects.set(subject.id, subject);
    for (const fresh of readings) this.#takeReading(fresh);
  }

  dismissGuest(id: string): void {
    if (!this.guests.delete(id)) return;
    this.subjects.delete(id);
    for (const [key, reading] of this.readings) if (reading.subject === id) this.readings.delete(key);
  }

  takeDelta(frame: Extract<Frame, { t: 'delta' }>): void {
    this.offset = frame.offset;
    for (const fresh of frame.readings ?? []) this.#takeReading(fresh);
    for (const alert of frame.alerts ?? []) {
      if (alert.state === 'resolved') this.alerts.delete(alert.id);
      else this.alerts.set(alert.id, alert);
    }
    for (const source of frame.sources ?? []) this.sources.set(source.id, { ...this.sources.get(source.id), ...source });
  }

  /** Only what the snapshot brought or a screen shows is kept: memory must not grow with the day. */
  #takeReading(fresh: Reading): void {
    const key = keyOf(fresh.indicator, fresh.subject, fresh.period);
    const held = this.readings.get(key);
    if (!held && !this.subjects.has(fresh.subject)) return;
    this.readings.set(key, { ...fresh, delta: fresh.delta ?? held?.delta, trend: fresh.trend ?? held?.trend });
  }

  /** Whether a load has stood still for longer than a slow page takes. */
  stuck(source: Source | undefined): boolean {
    if (!source || source.quality !== 'loading') return false;
    const since = this.#moved.get(source.id);
    return since !== undefined && this.wallNow - since > STUCK_MS;
  }

  takeBeat(frame: Extract<Frame, { t: 'beat' }>): void {
    this.takeClock(frame.clock);
    for (const told of frame.sources) {
      const held = this.sources.get(told.id);
      if (!held) continue;
      if (held.progress !== told.progress || !this.#moved.has(told.id)) this.#moved.set(told.id, Date.now());
      if (held.quality !== told.quality || held.watermark !== told.watermark || held.progress !== told.progress)
        this.sources.set(told.id, { ...held, ...told });
    }
  }
}

function refill<K, V>(map: SvelteMap<K, V>, values: V[], key: (value: V) => K): void {
  const keep = new Set(values.map(key));
  for (const old of [...map.keys()]) if (!keep.has(old)) map.delete(old);
  for (const value of values) map.set(key(value), value);
}

export const store = new Store();
