// Scores: what the programming interface says of composites, goals, ranking and contribution.

import type { Period, Quality, Reading, State } from './shapes';

export type PartStatus = 'counted' | 'no_source' | 'not_applicable' | 'stale';

export interface CompositePart {
  id: string;
  title_vi: string;
  title_en: string;
  rule_vi: string;
  rule_en: string;
  status: PartStatus;
  indicator: string | null;
  period: Period | null;
  value: number | null;
  num: number | null;
  den: number | null;
  full: number;
  assumption: boolean;
  weight: number;
  weight_now: number;
  points: number;
}

export interface CompositeGroup {
  id: string;
  title_vi: string;
  title_en: string;
  weight: number;
  weight_now: number;
  points: number;
  own_points: number | null;
  parts: CompositePart[];
}

export interface Published {
  until: string;
  total: number;
  rank: number;
  of: number;
  source: string;
  groups: Record<string, number>;
  national: Record<string, number>;
}

export interface Composite {
  id: string;
  subject: string;
  title_vi: string;
  title_en: string;
  legal_source: string;
  legal_source_en: string;
  rule_vi: string;
  rule_en: string;
  levels: string[];
  points: number | null;
  covered: number;
  counted: number;
  total: number;
  coverage: string;
  left_out: { id: string; status: PartStatus }[];
  groups: CompositeGroup[];
  published: Published[];
}

export interface CompositeRow {
  subject: string;
  name_vi: string;
  points: number | null;
  covered: number;
  counted: number;
  total: number;
  coverage: string;
  left_out: { id: string; status: PartStatus }[];
  groups: Record<string, number | null>;
  place: number | null;
  estimate: number | null;
  few: boolean;
}

export interface ScorePart {
  indicator: string;
  title_vi: string;
  title_en: string;
  subject: string;
  period: Period;
  value: number | null;
  target: number;
  status: 'counted' | 'left_out';
  quality: string;
  ratio: number | null;
  points: number;
}

export interface ScoreWhy {
  value: number | null;
  points: number | null;
  coverage: string;
  rule_vi: string;
  rule_en: string;
  parts: ScorePart[];
}

export interface Goal {
  id: string;
  label_vi: string;
  label_en: string;
  label_since: string;
  target: number;
  unit: 'percent' | 'rank';
  kind: 'cumulative' | 'level' | 'milestone' | 'maintain' | 'rank' | 'instant';
  better: 'up' | 'down';
  level: string;
  period: Period;
  deadline: string;
  legal_source: string;
  legal_source_en: string;
  feed: string;
  indicator: string | null;
  subject: string | null;
  value: number | null;
  at: string | null;
  state: State;
  quality: Quality;
  note_vi: string;
  note_en: string;
}

export interface Place {
  estimate: number | null;
  low: number | null;
  high: number | null;
  place: number | null;
  few: boolean;
}

export interface Ranking {
  mean: number | null;
  strength: number | null;
  few_below: number;
  rows: (Place & { reading: Reading })[];
}

export interface Contribution {
  num: number;
  den: number;
  target: number;
  lacks: number;
  few: number;
  explained: number | null;
  parts: { subject: string | null; name_vi: string; num: number; den: number; lacks: number }[];
}

export interface Gaming {
  indicator: string | null;
  false_alarm: number;
  looked_at: number;
  suspects: { subject: string; name_vi: string; num: number; den: number; usual: number; chance: number }[];
}
