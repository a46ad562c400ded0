// Offline: keeps the page itself, so that a wall that starts while the server is away shows its last
// figures as old instead of nothing. The network always comes first; figures are never kept here.
const SHELF = 'page';
const PATIENCE_MS = 4000;

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  const ours = url.origin === location.origin && request.method === 'GET' && !url.pathname.startsWith('/api/');
  if (!ours || ['/healthz', '/readyz', '/metrics'].includes(url.pathname)) return;
  if (url.pathname.startsWith('/assets/')) event.respondWith(shelvedFirst(request));
  else if (request.mode === 'navigate') event.respondWith(networkFirst(request, new URL('/', url)));
});

/** Names of assets change with their content. */
async function shelvedFirst(request) {
  const shelf = await caches.open(SHELF);
  const held = await shelf.match(request, { ignoreVary: true });
  if (held) return held;
  const answer = await fetch(request);
  if (answer.ok) await shelf.put(request, answer.clone());
  return answer;
}

/** Every address is the one page. */
async function networkFirst(request, key) {
  const shelf = await caches.open(SHELF);
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.ok) await shelf.put(key, answer.clone());
    return answer;
  } catch (error) {
    const held = await shelf.match(key, { ignoreVary: true });
    if (held) return held;
    throw error;
  }
}
