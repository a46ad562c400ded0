// Names: how a unit's name is set in the narrow room of a hexagon.

const KIND_FIRST = /^(TP|TX|TT) (.+)$/u;
const KIND_LAST = /^(.+) (city|town|district)$/u;

/** Two lines: the kind of unit on its own where it is said, else as even as the words allow. */
export function inTwo(name: string): string[] {
  const kind = KIND_FIRST.exec(name) ?? KIND_LAST.exec(name);
  if (kind) return kind.slice(1, 3);
  const words = name.split(' ');
  let best = [name];
  for (let i = 1; i < words.length; i += 1) {
    const lines = [words.slice(0, i).join(' '), words.slice(i).join(' ')];
    const wide = (some: string[]): number => Math.max(...some.map((line) => line.length));
    if (best.length === 1 || wide(lines) < wide(best)) best = lines;
  }
  return best;
}
