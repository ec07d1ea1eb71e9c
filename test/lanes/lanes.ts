// The two lanes in which `npm test` runs all test files side by side. Most of their time is waiting: for a lease to end, for a
// proxy to take the next secret, for a file to be looked at again. What meets real peers waits most, so that is the one lane.
import { globSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');

export interface Lane {
  readonly name: string;
  /** Whether a test file is of this lane, by its path from the root of the repository. */
  readonly has: (file: string) => boolean;
  /** What `freePort` may give, from and below: no port twice while both lanes run. */
  readonly ports: readonly [number, number];
}

/** PostgreSQL is a peer too. Its tests are with the rest, so that both lanes are about equally long. */
const POSTGRES = 'test/peers/postgres/';
const isPeers = (file: string): boolean => file.startsWith('test/peers/') && !file.startsWith(POSTGRES);

export const LANES: readonly Lane[] = [
  { name: 'peers', has: isPeers, ports: [26_000, 32_000] },
  { name: 'rest', has: (file) => !isPeers(file), ports: [20_000, 26_000] },
];

/** All test files, in the order in which mocha would run them alone. */
export function testFiles(): string[] {
  return globSync('test/**/*.test.ts', { cwd: ROOT }).sort();
}

/** What a run of a lane has in its environment. Not of the `CAPSTAN_` kind: the server takes each of these for a setting. */
export function environmentOf({ ports }: Pick<Lane, 'ports'>): Readonly<Record<string, string>> {
  return { TEST_PORTS: ports.join('-') };
}
