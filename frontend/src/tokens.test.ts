// Tokens: the colours of both themes, held to the bar of docs/explanation/wall.md: contrast of every
// text and data-quality mark, and an order of the states that survives each kind of colour blindness.

import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

type Rgb = [number, number, number];
type Theme = Map<string, Rgb>;

const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8');

/** OKLCH to linear sRGB (Ottosson 2020), cut to the gamut as a screen cuts it. */
function linear(l: number, c: number, h: number): Rgb {
  const a = c * Math.cos((h * Math.PI) / 180);
  const b = c * Math.sin((h * Math.PI) / 180);
  const [x, y, z] = [l + 0.3963377774 * a + 0.2158037573 * b, l - 0.1055613458 * a - 0.0638541728 * b, l - 0.0894841775 * a - 1.291485548 * b].map((v) => v ** 3) as Rgb;
  const cut = (v: number): number => Math.min(1, Math.max(0, v));
  return [cut(4.0767416621 * x - 3.3077115913 * y + 0.2309699292 * z), cut(-1.2684380046 * x + 2.6097574011 * y - 0.3413193965 * z), cut(-0.0041960863 * x - 0.7034186147 * y + 1.707614701 * z)];
}

function oklab([r, g, b]: Rgb): Rgb {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s, 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
}

function themeOf(name: string): Theme {
  const block = css.match(new RegExp(`:root\\[data-theme='${name}'\\] \\{([^}]*)\\}`))?.[1] ?? '';
  const found: Theme = new Map();
  for (const [, token, l, c, h] of block.matchAll(/--([\w-]+): oklch\(([\d.]+) ([\d.]+) ([\d.]+)\);/g)) found.set(token ?? '', linear(Number(l), Number(c), Number(h)));
  return found;
}

const THEMES = ['dark', 'light'] as const;
const themes = { dark: themeOf('dark'), light: themeOf('light') };

function colour(theme: Theme, token: string): Rgb {
  const found = theme.get(token);
  if (!found) throw new Error(`tokens.css has no --${token} as oklch(L C h): the pair would be judged on nothing`);
  return found;
}
const luminance = ([r, g, b]: Rgb): number => 0.2126 * r + 0.7152 * g + 0.0722 * b;
function contrast(one: Rgb, other: Rgb): number {
  const [dim = 0, bright = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dim + 0.05);
}
function difference(one: Rgb, other: Rgb): number {
  const [a, b] = [oklab(one), oklab(other)];
  return 100 * Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

/** Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB. */
const EYES: Record<string, number[]> = {
  usual: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protan: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deutan: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritan: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};
function seen(eye: string, [r, g, b]: Rgb): Rgb {
  const m = EYES[eye] ?? [];
  return [0, 3, 6].map((i) => Math.min(1, Math.max(0, (m[i] ?? 0) * r + (m[i + 1] ?? 0) * g + (m[i + 2] ?? 0) * b))) as Rgb;
}

/** What is written on what: 7:1. The grounds of a hatched tile are both of its stripes. */
const WRITTEN: Record<string, string[]> = {
  t1: ['bg', 'surface', 'raised', 'lag-row', 'lag-tint', 'crit-tint'],
  t2: ['bg', 'surface', 'raised', 'lag-row', 'lag-tint', 'crit-tint', 'dq-tint'],
  t3: ['bg', 'surface', 'raised', 'lag-tint', 'dq-tint'],
  'lag-text': ['bg', 'surface', 'lag-tint', 'lag-row'],
  'crit-text': ['bg', 'surface', 'crit-tint'],
  'on-crit': ['crit-fill'],
  dq: ['bg', 'surface', 'dq-tint'],
  'on-dq': ['dq'],
};
/** What is drawn on what: 3:1. */
const DRAWN: Record<string, string[]> = {
  'crit-edge': ['bg', 'crit-tint'],
  'crit-line': ['surface', 'bg', 'raised'],
  'lag-line': ['surface', 'bg', 'lag-tint', 'lag-row'],
  'near-line': ['surface', 'raised'],
  bar: ['band'],
  't1': ['band'],
};
/** The marks of each state that meet the eye from across the room, worst state first. */
const MARKS: [string, string[]][] = [
  ['critical', ['crit-edge', 'crit-fill']],
  ['missed', ['crit-edge', 'crit-tint']],
  ['lagging', ['lag-line', 'lag-tint']],
  ['near', ['near-line']],
  ['met', ['surface']],
];
/** Lines that mean different things; the neutral bar need not differ from a data-quality mark, which is never a bar. */
const TOLD_APART: [string, string][] = [['crit-line', 'lag-line'], ['crit-line', 'dq'], ['lag-line', 'dq'], ['crit-line', 'bar'], ['lag-line', 'bar']];

describe.each(THEMES)('%s', (name) => {
  const theme = themes[name];
  const of = (token: string): Rgb => colour(theme, token);

  it('has the same tokens as the other theme', () => {
    expect(theme.size).toBeGreaterThan(20);
    expect([...theme.keys()].sort()).toEqual([...themes[name === 'dark' ? 'light' : 'dark'].keys()].sort());
  });
  it.each(Object.entries(WRITTEN).flatMap(([text, grounds]) => grounds.map((ground) => [text, ground] as const)))('writes --%s on --%s at 7:1', (text, ground) => {
    expect(contrast(of(text), of(ground))).toBeGreaterThanOrEqual(7);
  });
  it.each(Object.entries(DRAWN).flatMap(([line, grounds]) => grounds.map((ground) => [line, ground] as const)))('draws --%s on --%s at 3:1', (line, ground) => {
    expect(contrast(of(line), of(ground))).toBeGreaterThanOrEqual(3);
  });
  it.each(Object.keys(EYES))('ranks the states for %s eyes: a worse state never shines less', (eye) => {
    const ground = seen(eye, of('bg'));
    const shine = MARKS.map(([state, marks]) => [state, Math.max(...marks.map((mark) => contrast(seen(eye, of(mark)), ground)))] as const);
    for (const [i, [state, worse]] of shine.entries()) {
      const [next, milder] = shine[i + 1] ?? ['nothing', 0];
      if (milder) expect(worse / milder, `${state} ${worse.toFixed(1)} against ${next} ${milder.toFixed(1)}`).toBeGreaterThanOrEqual(state === 'critical' ? 1 : 1.05);
    }
  });
  it.each(Object.keys(EYES))('tells the lines apart for %s eyes: ΔE of 15 at least', (eye) => {
    for (const [one, other] of TOLD_APART) expect(difference(seen(eye, of(one)), seen(eye, of(other))), `${one} and ${other}`).toBeGreaterThanOrEqual(15);
  });
  it('fills critical and missed apart by lightness, whatever the eye', () => {
    for (const eye of Object.keys(EYES)) expect(Math.abs(oklab(seen(eye, of('crit-fill')))[0] - oklab(seen(eye, of('crit-tint')))[0])).toBeGreaterThanOrEqual(0.06);
  });
});

it('judges colours as the standards do', () => {
  expect(contrast([0, 0, 0], [1, 1, 1])).toBeCloseTo(21, 5);
  const [r, g, b] = linear(0.627955, 0.257683, 29.2339);
  expect([r, g, b].map((v) => Math.round(v * 100) / 100)).toEqual([1, 0, 0]);
  // Pure red and green of one lightness run together for a deutan, and stay apart for usual eyes.
  expect(difference(seen('usual', linear(0.6, 0.12, 27)), seen('usual', linear(0.6, 0.12, 140)))).toBeGreaterThan(15);
  expect(difference(seen('deutan', linear(0.6, 0.12, 27)), seen('deutan', linear(0.6, 0.12, 140)))).toBeLessThan(10);
});
it('has no colour outside the tokens, in any screen', () => {
  const sources = import.meta.glob<string>(['./**/*.svelte', './**/*.css', '!./tokens.css'], { query: '?raw', import: 'default', eager: true });
  expect(Object.keys(sources).length).toBeGreaterThan(15);
  for (const [path, text] of Object.entries(sources)) expect(text.match(/#[0-9a-f]{3,8}\b(?=[;"'\s)])|(?:oklch|rgba?|hsla?)\(/gi)?.filter((m) => !/^#(app|content)/i.test(m)) ?? [], path).toEqual([]);
});
