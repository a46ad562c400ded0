// Shapes: what the programming interface and the live channel send (docs/reference/api-shapes.md).

export type State = 'met' | 'near' | 'lagging' | 'critical' | 'missed' | 'none';
export type Quality = 'fresh' | 'late' | 'stale' | 'absent' | 'loading' | 'no_source';
export type Unit = 'percent' | 'count' | 'minutes' | 'vnd';
export type Period = 'now' | 'hour' | 'day' | 'month' | 'year';

export interface Reading {
  indicator: string;
  subject: string;
  period: Period;
  period_start: string | null;
  at: string;
  value: number | null;
  num: number | null;
  den: number | null;
  target: number | null;
  state: State;
  quality: Quality;
  watermark: string | null;
  source: string;
  reason: string | null;
  delta?: number | null;
  trend?: (number | null)[] | null;
}

export interface Clock {
  data: string;
  rate: number;
  real: string;
  simulated: boolean;
}

export interface Source {
  id: string;
  name_vi: string;
  name_en: string;
  quality: Quality;
  watermark: string | null;
  progress: number | null;
  late_after_s: number;
  stale_after_s: number;
  absent_after_s: number;
  last_error: string | null;
  last_success: string | null;
  simulated: boolean;
  records: number;
  quarantined: number;
}

export interface Indicator {
  id: string;
  title_vi: string;
  title_en: string;
  label_wall_vi: string;
  label_wall_en: string;
  unit: Unit;
  decimals: number;
  better: 'up' | 'down';
  kind: 'ratio' | 'count' | 'sum' | 'stock' | 'quantile';
  periods: Period[];
  levels: string[];
  source: string;
  legal_source: string | null;
  assumption: string | null;
  group: string;
}

export interface IndicatorDetail extends Indicator {
  formula_vi: string;
  targets: { value: number; subjects: string[]; levels: string[]; legal_source: string; deadline: string }[];
}

export interface Why {
  reading: Reading;
  definition: { id: string; version: string; records: string };
  target: { value: number; near: number; critical: number; deadline: string | null; legal_source: string } | null;
  parts: { subject: string | null; name_vi: string; value: number | null; num: number | null; den: number | null }[];
  adds_up: boolean;
  pages: { seq: number; payload_sha256: string; watermark: string; records: number; stored_real: string; collector: string }[];
  pages_looked_at: number;
}

export interface Quarantined {
  id: number;
  source: string;
  known_at: string;
  reason: string;
  payload: string;
  count: number;
}

export interface Subject {
  id: string;
  level: string;
  name_vi: string;
  short_name: string | null;
  parent: string | null;
  row: number | null;
  col: number | null;
}

export interface Tile {
  id: string;
  type: string;
  indicator: string;
  subject: string;
  period: Period;
}

export interface SceneGroup {
  id: string;
  title_vi: string;
  title_en: string;
  tiles: Tile[];
}

export interface SceneMap {
  indicator: string;
  period: Period;
  title_vi: string;
  title_en: string;
  subjects: string[];
}

export interface Scene {
  groups: SceneGroup[];
  map: SceneMap | null;
}

export interface Alert {
  id: number;
  indicator: string;
  level: string;
  subject: string;
  /** `quality`: about a source's data, not about a figure; level `source`, subject `source:<id>`. */
  severity: 'lagging' | 'critical' | 'quality';
  state: 'active' | 'resolved';
  since: string;
  resolved_at: string | null;
  value: number | null;
  target: number | null;
  worst: { subject: string; name_vi: string; value: number | null }[];
  owner: string | null;
  response_vi: string | null;
  sent: boolean;
}

export interface Score {
  value: number | null;
  minimum: number | null;
  below: number;
  counted: number;
  total: number;
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
  readings: Reading[];
  alerts: Alert[];
  score: Score | null;
}

export interface Case {
  code: string;
  kind: string;
  agency: string;
  sector: string | null;
  opened_at: string;
  due_at: string | null;
  state: string;
  overdue_days: number | null;
}

export type Frame =
  | { t: 'hello'; epoch: string; offset: number; build: string; schema: number; clock: Clock }
  | { t: 'snapshot'; data: Snapshot }
  | { t: 'delta'; offset: number; readings?: Reading[]; alerts?: Alert[]; sources?: Source[]; score?: Score | null }
  | { t: 'reset'; reason: string }
  | { t: 'beat'; offset: number; clock: Clock; sources: Pick<Source, 'id' | 'quality' | 'watermark' | 'progress'>[] };

export type Link = 'connecting' | 'live' | 'lagging' | 'lost' | 'incompatible';
