// Route: which screen is shown; plain history, no library.

export const place = $state({ path: location.pathname, search: location.search });

function read(): void {
  place.path = location.pathname;
  place.search = location.search;
}

/** Language, theme and level stay in the address, so a link can be passed on. */
export function go(href: string): void {
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- used once and thrown away
  const next = new URL(href, location.href);
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- only read
  const kept = new URLSearchParams(location.search);
  for (const name of ['lang', 'theme']) {
    const value = kept.get(name);
    if (value !== null && !next.searchParams.has(name)) next.searchParams.set(name, value);
  }
  history.pushState(null, '', next);
  read();
  window.scrollTo(0, 0);
}

export function follow(): void {
  window.addEventListener('popstate', read);
  document.addEventListener('click', (event) => {
    const link = (event.target as Element | null)?.closest('a');
    if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (link.origin !== location.origin || link.target || link.hasAttribute('download')) return;
    event.preventDefault();
    go(link.href);
  });
}
