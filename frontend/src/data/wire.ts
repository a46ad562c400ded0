// Wire: the messages of the live channel. Made from docs/reference/live-protocol.schema.json by
// `make protocol`; do not edit.

export const SCHEMA = 1;
export const SUBPROTOCOL = 'ioc.1';

export interface Alert {
  id: number;
  indicator: string;
  level: string;
  subject: string;
  severity: 'lagging' | 'critical' | 'quality';
  state: 'active' | 'resolved' | 'pending';
  since: string;
  resolved_at: string | null;
  value: number | null;
  target: number | null;
  worst: WorstSubject[];
  owner: string;
  response_vi: string;
  sent: boolean;
}

export interface Beat {
  t: 'beat';
  offset: number;
  server_time: string;
  clock: Clock;
  sources: BeatSource[];
}

export interface BeatSource {
  id: string;
  quality: 'fresh' | 'late' | 'stale' | 'absent' | 'loading' | 'no_source';
  watermark: string | null;
  progress: number;
}

export interface Clock {
  data: string;
  rate: number;
  real: string;
  simulated: boolean;
}

export interface Delta {
  t: 'delta';
  offset: number;
  readings: Reading[];
  alerts: Alert[];
  sources: Source[];
}

export interface Error {
  t: 'error';
  code: number;
  reason: string;
  retry_after_s: number | null;
}

export type Frame = Hello | SnapshotFrame | Delta | Reset | Beat | Error | Subscribed;

export interface Hello {
  t: 'hello';
  /** empty while the server has no database yet */
  epoch: string;
  offset: number;
  build: string;
  schema: number;
  /** real time of the server; `clock` is data time */
  server_time: string;
  clock: Clock;
}

export interface Indicator {
  id: string;
  title_vi: string;
  title_en: string;
  label_wall_vi: string;
  label_wall_en: string;
  unit: 'percent' | 'count' | 'minutes' | 'working_days' | 'working_hours' | 'days' | 'vnd';
  decimals: number;
  better: 'up' | 'down';
  kind: 'ratio' | 'count' | 'sum' | 'stock' | 'quantile';
  periods: ('now' | 'hour' | 'day' | 'month' | 'year')[];
  levels: string[];
  source: string;
  legal_source: string;
  assumption: string | null;
  group: string;
}

export interface LeftOut {
  indicator: string;
  subject: string;
  period: 'now' | 'hour' | 'day' | 'month' | 'year';
  quality: 'fresh' | 'late' | 'stale' | 'absent' | 'loading' | 'no_source';
}

export interface Pace {
  /** due by `at` */
  expected: number;
  /** working days behind; below zero = ahead */
  lag_days: number | null;
  /** the close of a day that decided state and forecast */
  judged_at: string | null;
  /** in this state since */
  since: string | null;
  /** times the present rate that is needed from now on */
  ratio: number | null;
  /** at the deadline, if it goes on like this */
  forecast: number | null;
  /** the 80 % band of the forecast */
  low: number | null;
  high: number | null;
  /** of reaching the target */
  odds: number | null;
  /** the deadline */
  until: string | null;
  /** why the state cannot change: the year is young, or days are missing; lasting, leaving: what is to be held has not been missed, or made good, for long enough */
  holds: '' | 'grace' | 'coverage' | 'lasting' | 'leaving';
  /** what `expected` follows; no_last_year: last year's way was asked for, there is no whole year of it, so it is linear; held: the target is to hold at every instant */
  way: '' | 'linear' | 'milestones' | 'last_year' | 'no_last_year' | 'held';
  /** finished years the 80 % band was learnt from; 0 = the table that was shipped */
  band_years: number;
}

export interface Reading {
  indicator: string;
  subject: string;
  period: 'now' | 'hour' | 'day' | 'month' | 'year';
  /** date; an instant for hours; null for `now` */
  period_start: string | null;
  at: string;
  /** null = no value; ratios are fractions */
  value: number | null;
  num: number | null;
  den: number | null;
  target: number | null;
  state: 'none' | 'met' | 'near' | 'lagging' | 'critical' | 'missed';
  quality: 'fresh' | 'late' | 'stale' | 'absent' | 'loading' | 'no_source';
  watermark: string;
  source: string;
  reason: string;
  /** only of targets reached along a way */
  pace?: Pace | null;
}

export interface Reset {
  t: 'reset';
  reason: string;
}

export interface Scene {
  groups: TileGroup[];
  map: SceneMap;
}

export interface SceneMap {
  indicator: string;
  period: 'now' | 'hour' | 'day' | 'month' | 'year';
  title_vi: string;
  title_en: string;
  /** empty once these units have ended: see `note` */
  subjects: string[];
  note_vi?: string | null;
  note_en?: string | null;
}

export interface Score {
  value: number | null;
  minimum: number | null;
  below: number;
  counted: number;
  total: number;
  /** with a target, but silent or without a value */
  left_out: LeftOut[];
}

export interface Snapshot {
  epoch: string;
  offset: number;
  build: string;
  schema: number;
  clock: Clock;
  sources: Source[];
  indicators: Indicator[];
  subjects: Subject[];
  scene: Scene;
  readings: SnapshotReading[];
  alerts: Alert[];
  score: Score;
}

export interface SnapshotFrame {
  t: 'snapshot';
  data: Snapshot;
}

export interface SnapshotReading {
  indicator: string;
  subject: string;
  period: 'now' | 'hour' | 'day' | 'month' | 'year';
  /** date; an instant for hours; null for `now` */
  period_start: string | null;
  at: string;
  /** null = no value; ratios are fractions */
  value: number | null;
  num: number | null;
  den: number | null;
  target: number | null;
  state: 'none' | 'met' | 'near' | 'lagging' | 'critical' | 'missed';
  quality: 'fresh' | 'late' | 'stale' | 'absent' | 'loading' | 'no_source';
  watermark: string;
  source: string;
  reason: string;
  /** only of targets reached along a way */
  pace?: Pace | null;
  /** against the last daily close */
  delta?: number | null;
  /** daily closes, null = gap */
  trend?: (number | null)[] | null;
}

export interface Source {
  id: string;
  name_vi: string;
  name_en: string;
  quality: 'fresh' | 'late' | 'stale' | 'absent' | 'loading' | 'no_source';
  watermark: string | null;
  progress: number;
  late_after_s: number;
  stale_after_s: number;
  absent_after_s: number;
  last_error: string | null;
  last_success: string | null;
  simulated: boolean;
  owner: string;
  records: number;
  /** stored so far */
  pages: number;
  quarantined: number;
}

export interface Subject {
  id: string;
  level: string;
  name_vi: string;
  short_name: string;
  parent: string | null;
  row: number | null;
  col: number | null;
}

export interface Subscribe {
  t: 'subscribe';
  indicators?: string[];
  subjects?: string[];
  /** each with all that rolls up to it */
  areas?: string[];
  /** wall, map, or the id of a row of tiles */
  scenes?: string[];
}

export interface Subscribed {
  t: 'subscribed';
  indicators: string[];
  subjects: string[];
  areas: string[];
  scenes: string[];
}

export interface Tile {
  id: string;
  type: string;
  indicator: string;
  subject: string;
  period: 'now' | 'hour' | 'day' | 'month' | 'year';
}

export interface TileGroup {
  id: string;
  title_vi: string;
  title_en: string;
  tiles: Tile[];
}

export interface WorstSubject {
  subject: string;
  name_vi: string;
  value: number | null;
}

export type Then = 'ask_for_token' | 'reconnect' | 'reconnect_anew' | 'reload' | 'stop';

/** What a client does when it is closed with a number. */
export const THEN: Readonly<Record<number, Then>> = {
  1001: 'reconnect', // the server stops
  1012: 'reconnect', // the server starts again
  1008: 'stop', // the page is of another host
  1009: 'stop', // a message of the client was over 64 KiB
  1013: 'reconnect', // too many clients, or this one could not keep up
  4400: 'stop', // too much, or something unknown, was asked for
  4401: 'ask_for_token', // a token is needed here
  4402: 'ask_for_token', // the token is unknown, revoked or expired
  4403: 'reconnect_anew', // the token sees other subjects now
  4404: 'stop', // the token may not read the live channel
  4406: 'reload', // no version both sides speak
};
