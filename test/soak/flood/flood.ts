// A server in a flood, by somebody without any credential or by one namespace with good tokens, while other
// namespaces ask now and then. They must be served, soon, and the journal and the log must not grow beyond
// their bounds. Server, flood and the others are processes of their own.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NAMESPACE, STRANGERS } from '../../../src/authority/issuing/refusal-records.ts';
import { NOISE } from '../../../src/adapters/telemetry/noise.ts';
import { REASONS } from '../../../src/domain/reasons.ts';
import type { CsrCall } from '../../adapters/grpc/wire.ts';
import { ChildServer } from '../../app/support/child-server.ts';
import { ServerFiles } from '../../app/support/server-files.ts';
import { buildCsr } from '../../support/certificates.ts';
import type { Measured, Soak, SoakOptions } from '../soak.ts';
import type { FloodOrder, FloodReport } from './flooder.ts';
import { askQuietly, percentile, QUIET } from './quiet.ts';

export const NOISY = 'noisy';
/** Certificates that the noisy namespace may have in a minute. */
const QUOTA = 600;
export const MAX_P99_MS = 250;

/** As docs/refusals.md says: what a record takes of the journal, with its indexes, and a line of the log. */
const BYTES_PER_RECORD = 3 * 1024;
const BYTES_PER_LINE = 1024;
/** SQLite's write-ahead log comes and goes; it is no growth. */
const WAL_BYTES = 8 * 1024 * 1024;
const WARM_UP_MS = 3_000;

/** Two APIs, and every reason that a caller can hear. */
const RESTS = 2 * Object.keys(REASONS).length;

export interface Flood {
  readonly name: string;
  /** What is asked, in turn. */
  readonly calls: (files: ServerFiles, csr: string) => Promise<readonly CsrCall[]>;
  readonly recordsPerMinute: number;
}

export const STRANGER: Flood = {
  name: 'flood.stranger',
  calls: async (files, csr) => [
    { csr },
    { csr, headers: { authorization: 'Bearer garbage' } },
    { csr, headers: { authorization: 'Basic ZGVtbzpkZW1v' } },
    { csr, headers: { authorization: `Bearer ${(await files.mint.token()).replace(/.{20}$/, 'A'.repeat(20))}` } },
  ],
  recordsPerMinute: STRANGERS.alone + STRANGERS.kinds + RESTS,
};

export const TENANT: Flood = {
  name: 'flood.tenant',
  calls: async (files, csr) => {
    const accounts = Array.from({ length: 20 }, (_none, index) => `sa-${index}`);
    const tokens = await Promise.all(accounts.map(async (account) => files.mint.tokenIn(NOISY, account)));
    return tokens.flatMap((token): CsrCall[] => {
      const headers = { authorization: `Bearer ${token}` };
      const metadata = { ImpersonatedIdentity: 'spiffe://cluster.local/ns/quiet-1/sa/demo' };
      return [
        { csr, headers },
        { csr: 'not one', headers },
        { csr, headers, metadata },
      ];
    });
  },
  // A quota is a leaky bucket: a burst of it, and then its pace.
  recordsPerMinute: QUOTA + NAMESPACE.alone + NAMESPACE.kinds + RESTS,
};

export interface FloodLoad {
  readonly connections: number;
  readonly inFlight: number;
  readonly fresh: number;
}

const LOAD: FloodLoad = { connections: 8, inFlight: 32, fresh: 4 };

export const floodSoaks: readonly Soak[] = [STRANGER, TENANT].map((flood) => ({
  name: flood.name,
  seconds: 600,
  run: async (options) => runFlood(flood, LOAD, options),
}));

export async function runFlood(
  flood: Flood,
  load: FloodLoad,
  { seconds, say }: SoakOptions,
): Promise<readonly Measured[]> {
  using files = await ServerFiles.create();
  files.setPolicy([{ namespaces: [NOISY, ...QUIET] }]);
  files.setLocal('noisy.yaml', quotaOf(NOISY));
  await using server = await ChildServer.start(files, { 'telemetry.logLevel': 'info' });
  const csr = (await buildCsr()).pem;
  const order = { tlsPort: server.tlsPort, anchorsPem: files.pki.root.certificatePem, ...load };
  const before = sizesOf(files);
  const ending = new AbortController();
  const quiet = askQuietly(server, files, csr, ending);
  // What the first calls cost is not the flood's doing.
  await sleep(WARM_UP_MS);
  const report = await flooding({ ...order, calls: await flood.calls(files, csr) }, seconds);
  ending.abort();
  const others = await quiet;
  await server.stop();
  const after = sizesOf(files);
  say(`${report.calls} calls of the flood: ${JSON.stringify(report.outcomes)}`);
  for (const refusal of others.refusals.slice(0, 5)) say(`refused: ${refusal}`);
  // A burst at the beginning is what a minute may have; so is each minute that has begun.
  const minutes = Math.ceil(seconds / 60) + 1;
  const latenciesMs = [...others.keptMs, ...others.freshMs];
  const own = latenciesMs.length;
  const records = files.decisions({ limit: 100_000 }).length - own;
  const perMinute = (value: number): number => value / (seconds / 60);
  return [
    { name: 'calls of the flood', value: report.calls / seconds, unit: 'a second' },
    { name: 'certificates of others', value: own, unit: 'asked for' },
    { name: 'refused to others', value: others.refusals.length, unit: 'requests', bound: 0 },
    { name: 'p50 of others', value: percentile(latenciesMs, 0.5), unit: 'ms' },
    { name: 'p99 of others', value: percentile(latenciesMs, 0.99), unit: 'ms', bound: MAX_P99_MS },
    { name: 'p99 of others, connection kept', value: percentile(others.keptMs, 0.99), unit: 'ms' },
    { name: 'p99 of others, connection made', value: percentile(others.freshMs, 0.99), unit: 'ms' },
    { name: 'journal, records of the flood', value: records, unit: 'in all', bound: flood.recordsPerMinute * minutes },
    {
      name: 'journal',
      value: perMinute(after.journal - before.journal) / 1024,
      unit: 'KiB a minute',
      bound: Math.ceil(perMinute((flood.recordsPerMinute * minutes + own) * BYTES_PER_RECORD + WAL_BYTES) / 1024),
    },
    {
      name: 'log',
      value: perMinute(after.log - before.log) / 1024,
      unit: 'KiB a minute',
      bound: Math.ceil(
        perMinute(((flood.recordsPerMinute + NOISE.alone + NOISE.kinds) * minutes + own) * BYTES_PER_LINE) / 1024,
      ),
    },
  ];
}

async function flooding(order: FloodOrder, seconds: number): Promise<FloodReport> {
  const child = fork(path.join(import.meta.dirname, 'flooder.ts'), [JSON.stringify(order)]);
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the flood ended by itself')));
  ended.catch(() => undefined);
  await Promise.race([once(child, 'message'), ended]);
  await Promise.race([sleep(seconds * 1000), ended]);
  const reported = once(child, 'message') as Promise<[FloodReport]>;
  child.kill('SIGTERM');
  const [report] = await reported;
  return report;
}

export const quotaOf = (namespace: string): string =>
  JSON.stringify({
    apiVersion: 'capstan.dev/v1alpha1',
    kind: 'IssuancePolicy',
    metadata: { name: 'own', namespace },
    spec: { quotas: { perNamespacePerMinute: QUOTA } },
  });

function sizesOf(files: ServerFiles): { readonly journal: number; readonly log: number } {
  const size = (name: string): number => statSync(files.path(name), { throwIfNoEntry: false })?.size ?? 0;
  return { journal: size('journal.db') + size('journal.db-wal'), log: size('capstan.log') };
}
