import { defineConfig } from 'vite';

// The published client: one file without a library, beside the pages.
export default defineConfig({
  publicDir: false,
  build: {
    outDir: '../app/static',
    emptyOutDir: false,
    target: 'es2022',
    lib: { entry: 'src/client.ts', formats: ['es'], fileName: () => 'client.js' },
  },
});
