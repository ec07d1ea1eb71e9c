// Prometheus' own judge of an exposition, as a peer: taken from Debian's package without installing
// it, so that neither root nor a running Prometheus is needed. `npm run peers` calls `installPromtool`.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { PEERS_HOME } from '../../peers/support/presence.ts';

const HOME = path.join(PEERS_HOME, 'promtool');
const UNPACKED = path.join(HOME, 'usr/bin/promtool');

/** @returns the command to run, or `undefined` when this machine has none. */
export function findPromtool(): string | undefined {
  if (existsSync(UNPACKED)) return UNPACKED;
  return spawnSync('promtool', ['--version']).error === undefined ? 'promtool' : undefined;
}

/** Does nothing when there is one already. @throws when Debian's archive cannot be reached. */
export function installPromtool(): void {
  if (findPromtool() !== undefined) return;
  mkdirSync(HOME, { recursive: true });
  execFileSync('apt-get', ['download', 'prometheus'], { cwd: HOME, stdio: 'inherit' });
  const archive = readdirSync(HOME).find((name) => name.endsWith('.deb'));
  if (archive === undefined) throw new Error(`apt-get left no package in ${HOME}`);
  execFileSync('dpkg', ['-x', archive, '.'], { cwd: HOME, stdio: 'inherit' });
}
