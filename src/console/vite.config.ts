// Builds the console into the folder of generated code, from where the server reads it: no network, no plug-in.
import path from 'node:path';
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  logLevel: 'warn',
  build: {
    outDir: path.resolve(import.meta.dirname, '../gen/console'),
    emptyOutDir: true,
    // What is inlined would need data: in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: false,
  },
});
