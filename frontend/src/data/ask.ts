// Ask: one question to the programming interface; a problem becomes an error people can read.

export async function ask<T>(path: string, query: Record<string, string | undefined> = {}): Promise<T> {
  const url = new URL(`/api/v1/${path}`, location.href);
  for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value);
  const answer = await fetch(url, { headers: { accept: 'application/json' } });
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
