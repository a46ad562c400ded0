import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// Where `npm run dev` finds the programming interface: the stand-in of dev/mock.mjs by default.
const backend = process.env['IOC_API'] ?? 'http://127.0.0.1:8127';

export default defineConfig({
  base: '/',
  plugins: [svelte()],
  build: { outDir: '../app/static', emptyOutDir: true, target: 'es2022' },
  server: { host: '127.0.0.1', port: 5173, proxy: { '/api': { target: backend, ws: true } } },
});
