// Loaded by mocha before all tests: what Node makes of our sources is kept for this run and the next, for the hundreds of servers and
// commands that tests start in processes of their own. Not under coverage, which would be less precise then.
import { enableCompileCache } from 'node:module';
import path from 'node:path';
import process from 'node:process';

if (process.env['NODE_V8_COVERAGE'] === undefined) {
  const folder = path.resolve(import.meta.dirname, '../node_modules/.cache/capstan-tests');
  enableCompileCache(folder);
  process.env['NODE_COMPILE_CACHE'] ??= folder;
}
