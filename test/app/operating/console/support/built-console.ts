// The console as its sources are now: what `npm ci` built may be of before.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../../../../..');
const SOURCES = ['src/console', 'src/domain/text', 'src/domain/reasons.ts'];

/** For a `before` hook. Builds only what is old: other tests may be reading it. */
export function demandBuiltConsole(): void {
  const builtMs = modifiedMs(path.join(ROOT, 'src/gen/console/index.html'));
  if (SOURCES.every((source) => newestMs(path.join(ROOT, source)) < builtMs)) return;
  const { status, stderr } = spawnSync('npm', ['run', '-s', 'console'], { cwd: ROOT, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

function newestMs(place: string): number {
  if (statSync(place).isFile()) return modifiedMs(place);
  const names = readdirSync(place, { recursive: true, encoding: 'utf8' });
  return Math.max(...names.map((name) => modifiedMs(path.join(place, name))));
}

function modifiedMs(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
