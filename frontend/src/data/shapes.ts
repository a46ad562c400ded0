// Shapes: what the programming interface and the live channel send (docs/reference/api-shapes.md).
// Those of the live channel are made from its schema; here they get the names the screens use.

import type * as wire from './wire';

export type { Alert, Clock, Indicator, Score, Source, Subject, Tile } from './wire';
export type SceneGroup = wire.TileGroup;
export type SceneMap = wire.SceneMap;
/** A reading of a snapshot says more; a delta's leaves `delta` and `trend` as they are. */
export type Reading = wire.SnapshotReading;
export type State = Reading['state'];
export type Quality = Reading['quality'];
export type Period = Reading['period'];
export type Unit = wire.Indicator['unit'];

export interface IndicatorDetail extends wire.Indicator {
  formula_vi: string;
  formula_en: string | null;
  assumption_en: string | null;
  legal_source_en: string;
  targets: { value: number; subjects: string[]; levels: string[]; legal_source: string; legal_source_en: string; deadline: string; kind: string; baseline: number; assumption: string; assumption_en: string | null }[];
}

export interface Why {
  reading: Reading;
  definition: { id: string; version: string; records: string };
  target: { value: number; near: number; critical: number; deadline: string | null; legal_source: string } | null;
  parts: { subject: string | null; name_vi: string; value: number | null; num: number | null; den: number | null }[];
  adds_up: boolean;
  beside: Reading[];
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

/** An instant a series may not be read across. */
export interface Break {
  at: string;
  text_vi: string;
  text_en: string;
}

/** Before the first snapshot there is no map. */
export interface Scene {
  groups: SceneGroup[];
  map: SceneMap | null;
}

export type Snapshot = Omit<wire.Snapshot, 'scene' | 'score'> & { scene: Scene; score: wire.Score | null };

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
  | wire.Hello
  | { t: 'snapshot'; data: Snapshot }
  | (Pick<wire.Delta, 't' | 'offset'> & Partial<Omit<wire.Delta, 't' | 'offset'>>)
  | wire.Reset
  | wire.Beat
  | wire.Error;

export type Link = 'connecting' | 'live' | 'lagging' | 'lost' | 'incompatible';
