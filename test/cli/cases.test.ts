// Inputs that failed once, after real files and public bug reports: what the command line says to each now.
import assert from 'node:assert/strict';
import path from 'node:path';
import process from 'node:process';
import { run } from './transcript.ts';

const CASES = path.resolve(import.meta.dirname, '../vectors/cases');

/** In the folder of the case. @returns what is printed, and last the exit code where it is not 0. */
async function inCase(name: string, command: string): Promise<readonly string[]> {
  const home = process.cwd();
  process.chdir(path.join(CASES, name));
  try {
    return await run(`capstan policy check ${command}`);
  } finally {
    process.chdir(home);
  }
}

/** Identity and verdict of each row of the table. */
function verdicts(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => {
    const found =
      /(Pod|Job|Deployment|\w+) (\S+)\s+spiffe:\/\/cluster\.local\/ns\/(\S+)\/sa\/(\S+)\s+\S+\s+(approved|refused [A-Z0-9-]+|unavailable [A-Z0-9-]+)/.exec(
        line,
      );
    return found === null ? [] : [`${found[3] ?? ''}/${found[2] ?? ''} as ${found[4] ?? ''}: ${found[5] ?? ''}`];
  });
}

describe('yaml-1.1-booleans', () => {
  it('is judged as Kubernetes reads it: yes, on and y are true', async () => {
    const files = ['true', 'yes', 'on', 'y'].map((name) => `y11/${name}.yaml`).join(' ');
    const lines = await inCase('yaml-1.1-booleans', `--bundle bundle-shop.yaml --policies y11/pol ${files}`);
    assert.deepEqual(
      verdicts(lines),
      ['on', 'true', 'y', 'yes'].map((name) => `shop/p-${name} as web: refused CAP-P12`),
    );
  });

  it('is judged as Kubernetes reads it: no is false, and 0400 is 256', async () => {
    const off = await inCase(
      'yaml-1.1-booleans',
      '--bundle bundle-shop.yaml --policies y11/pol2 y11/sa.yaml y11/p.yaml',
    );
    assert.deepEqual(verdicts(off), ['shop/p as web: approved']);
    const octal = await inCase('yaml-1.1-booleans', '--bundle bundle-shop.yaml --policies y11/pol3 y11/oct.yaml');
    assert.deepEqual(verdicts(octal), ['shop/oct as web: approved']);
  });
});
