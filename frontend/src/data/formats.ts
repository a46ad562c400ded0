// Formats: numbers, ages and instants as people read them; nothing here reads a clock.

import type { Indicator, Unit } from './shapes';
import { say, tongue } from './words.svelte';

export const EM_DASH = '–';

/** A format costs more to make than to use, by far; there are two languages and a few decimals. */
const written = new Map<string, Intl.NumberFormat>();

function format(locale: string, decimals: number): Intl.NumberFormat {
  const key = `${locale}${decimals}`;
  const held = written.get(key) ?? new Intl.NumberFormat(locale, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  written.set(key, held);
  return held;
}

export function number(value: number, decimals: number): string {
  const text = format(tongue.lang === 'en' ? 'en-GB' : 'vi-VN', decimals).format(value);
  return text.replace(/^-(?=0([.,]0*)?$)/, '').replace(/^-/, '−');
}

export interface Figure {
  text: string;
  unit: string;
}

/** A value with its unit; percent arrives as a fraction, money in đồng. */
export function figure(value: number | null | undefined, unit: Unit, decimals: number): Figure {
  if (value === null || value === undefined || !Number.isFinite(value)) return { text: EM_DASH, unit: '' };
  if (unit === 'percent') return { text: number(value * 100, decimals), unit: '%' };
  if (unit === 'minutes') return { text: number(value, decimals), unit: say('min') };
  if (unit === 'working_days') return { text: number(value, decimals), unit: say('workingDays') };
  if (unit === 'working_hours') return { text: number(value, decimals), unit: say('workingHours') };
  if (unit === 'days') return { text: number(value, decimals), unit: say('day') };
  if (unit === 'count') return { text: number(value, Number.isInteger(value) ? 0 : decimals), unit: '' };
  const size = Math.abs(value);
  if (size >= 1e9) return { text: number(value / 1e9, size >= 1e12 ? 0 : 1), unit: say('billion') };
  if (size >= 1e6) return { text: number(value / 1e6, size >= 1e8 ? 0 : 1), unit: say('million') };
  return { text: number(value, 0), unit: say('dong') };
}

export function inWords(value: number | null | undefined, of: Pick<Indicator, 'unit' | 'decimals'>): string {
  const { text, unit } = figure(value, of.unit, of.decimals);
  return unit ? `${text} ${unit}` : text;
}

/** Decimals enough that no rounding lifts a figure onto its target, or lets it down from there: 94,96 of 95 is not 95,0. */
export function honest(value: number | null | undefined, target: number | null | undefined, unit: Unit, decimals: number): number {
  if (value === null || value === undefined || target === null || target === undefined || unit === 'vnd') return decimals;
  const [given, aim] = unit === 'percent' ? [value * 100, target * 100] : [value, target];
  if (Math.abs(given - aim) < 1e-9) return decimals;
  const same = (places: number): boolean => {
    const off = Number(given.toFixed(places)) - aim;
    return Math.abs(off) > 1e-9 && off > 0 === given > aim;
  };
  return [decimals, decimals + 1].find(same) ?? decimals + 2;
}

/** A target is said with as few decimals as it needs. */
export function targetText(value: number, unit: Unit): string {
  const shown = unit === 'percent' ? value * 100 : value;
  const decimals = Math.abs(shown - Math.round(shown)) < 1e-6 || Math.abs(shown) >= 1000 ? 0 : 1;
  if (unit === 'count') return number(value, decimals);
  return inWords(value, { unit, decimals });
}

export function age(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 120) return `${s} ${say('s')}`;
  if (s < 7200) return `${Math.floor(s / 60)} ${say('min')}`;
  if (s < 172800) return `${Math.floor(s / 3600)} ${say('hour')}`;
  return `${Math.floor(s / 86400)} ${say('day')}`;
}

const ZONE = 'Asia/Ho_Chi_Minh';
const hms = new Intl.DateTimeFormat('en-GB', { timeZone: ZONE, hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
const dmy = new Intl.DateTimeFormat('en-GB', { timeZone: ZONE, day: '2-digit', month: '2-digit', year: 'numeric' });

export function time(ms: number): string {
  return hms.format(ms);
}

export function date(ms: number): string {
  return dmy.format(ms);
}

export function weekday(ms: number): string {
  const locale = tongue.lang === 'en' ? 'en-GB' : 'vi-VN';
  return new Intl.DateTimeFormat(locale, { timeZone: ZONE, weekday: 'long' }).format(ms);
}

export function instant(iso: string | null | undefined): string {
  const ms = iso ? Date.parse(iso) : NaN;
  return Number.isNaN(ms) ? EM_DASH : `${date(ms)} ${time(ms).slice(0, 5)}`;
}
