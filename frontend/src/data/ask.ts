// Ask: one question to the programming interface; a problem becomes an error people can read.

const PATIENCE_MS = 20000;

export type Query = Record<string, string | undefined>;

export function addressOf(path: string, query: Query = {}): string {
  const told = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) told.set(name, value);
  const text = told.toString();
  return `/api/v1/${path}${text ? `?${text}` : ''}`;
}

export async function ask<T>(path: string, query: Query = {}): Promise<T> {
  const answer = await fetch(addressOf(path, query), {
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (answer.ok) return (await answer.json()) as T;
  let said = `${answer.status}`;
  try {
    const problem = (await answer.json()) as { title?: string; detail?: string };
    said = problem.detail ?? problem.title ?? said;
  } catch {
    // Not a problem document: the status is all there is.
  }
  throw new Error(said);
}
