// End to end: a CSR over gRPC and TLS, the chain back, driven by one Go client for both servers.
// Ours checks a token, judges by policy and journals; the yardstick only issues.
import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { goDuration, inTurn, type Benchmark, type Context } from '../../benchmark.ts';
import { startBareServer, startCapstan } from '../../servers.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { row, type Row } from '../../measurement.ts';
import { ANY_CORE, CLIENT_CORE, runForJson, type RunningServer } from '../../processes.ts';

/** What `client calls` prints. */
export interface Calls {
  readonly calls: number;
  readonly errors: number;
  readonly firstError?: string;
  readonly perSecond: number;
  readonly cpuMicrosPerCall: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A server's compiler takes longer over its many paths than over the one of a loop. */
const WARM_UP_SECONDS = 3;

/** Kept: 8 connections with 4 calls in flight each. Fresh: 4 workers, a TLS handshake per call. */
const LOADS = {
  kept: ['-connections', '8', '-inflight', '4'],
  keptByTwo: ['-connections', '16', '-inflight', '4'],
  fresh: ['-fresh', '-connections', '4'],
} as const;

export function callsBenchmark(load: 'kept' | 'fresh'): Benchmark {
  const name = `e2e.${load}.p256`;
  return {
    rows: [name, `${name}.rate`, `${name}.p99`],
    needsGo: true,
    run: async (context) => {
      await using capstan = await startCapstan(context.material, { streams: 0 });
      await using bare = await startBareServer(context, {});
      const measured = await inTurn(context.rounds, {
        ours: async () => drive(context, capstan, load),
        bare: async () => drive(context, bare, load),
      });
      const compare = (suffix: string, unit: string, of: (calls: Calls) => number) =>
        row(name + suffix, unit, measured.ours.map(of), { name: 'bare grpc-go', values: measured.bare.map(of) });
      return [
        compare('', 'us CPU/call', (calls) => calls.cpuMicrosPerCall),
        compare('.rate', 'calls/s', (calls) => calls.perSecond),
        compare('.p99', 'ms', (calls) => calls.p99Ms),
      ];
    },
  };
}

/** Before the first round of two processes: a process is warm after some 12,000 calls, and each gets every second one. */
const WARM_UP_OF_TWO_SECONDS = 20;

/**
 * What a call costs a server of two processes, all its processes together, beside that of one: with a core each, two answer
 * twice the ratio of what one does. Each process has the clients of `kept`, and none has a core of its own, for the
 * client needs one too.
 */
export const processesBenchmark: Benchmark = {
  rows: ['e2e.kept.p256.processes'],
  needsGo: true,
  run: async (context) => {
    await using two = await startCapstan(context.material, { streams: 0, processes: 2, core: ANY_CORE });
    await using one = await startCapstan(context.material, { streams: 0, core: ANY_CORE });
    const warming = { ...context, seconds: WARM_UP_OF_TWO_SECONDS };
    await drive(warming, two, 'keptByTwo');
    await drive(warming, one, 'kept');
    const ours = async (): Promise<Calls> => drive(context, two, 'keptByTwo');
    return [await cpuBeside(context, 'processes', ours, { name: 'one process', server: one })];
  },
};

/** What a call costs Capstan's own process where a PostgreSQL keeps the journal, over TLS and with `fsync`. */
export const postgresBenchmark: Benchmark = {
  rows: ['e2e.kept.p256.postgres'],
  needsGo: true,
  run: async (context) => {
    if (findPostgres() === undefined) throw new Error('the row e2e.kept.p256.postgres needs PostgreSQL');
    await using database = await PostgresCluster.start({ fsync: true, requireTls: true });
    const journal = {
      store: `postgres://${database.user}@${database.host}:${database.port}/${database.database}`,
      postgres: { passwordFile: database.passwordFile, caFile: database.caFile },
    };
    await using shared = await startCapstan(context.material, { streams: 0, journal });
    await using embedded = await startCapstan(context.material, { streams: 0 });
    const ours = async (): Promise<Calls> => drive(context, shared, 'kept');
    return [await cpuBeside(context, 'postgres', ours, { name: 'SQLite', server: embedded })];
  },
};

/** What a call costs where a head of the journal is signed each second, ten times as often as by default, and kept in a file too. */
export const headsBenchmark: Benchmark = {
  rows: ['e2e.kept.p256.heads'],
  needsGo: true,
  run: async (context) => {
    const [keyFile, file] = ['heads-key.pem', 'witness.jsonl'].map((name) => path.join(context.material.folder, name));
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(keyFile!, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const audit = { keyFile, headEvery: '1s', witness: { file } };
    await using signed = await startCapstan(context.material, { streams: 0, audit });
    await using unsigned = await startCapstan(context.material, { streams: 0 });
    const ours = async (): Promise<Calls> => drive(context, signed, 'kept');
    return [await cpuBeside(context, 'heads', ours, { name: 'no heads', server: unsigned })];
  },
};

async function cpuBeside(
  context: Context,
  suffix: string,
  ours: () => Promise<Calls>,
  beside: { readonly name: string; readonly server: RunningServer },
): Promise<Row> {
  const measured = await inTurn(context.rounds, {
    ours,
    beside: async () => drive(context, beside.server, 'kept'),
  });
  const cpu = (calls: readonly Calls[]): readonly number[] => calls.map((one) => one.cpuMicrosPerCall);
  const yardstick = { name: beside.name, values: cpu(measured.beside) };
  return row(`e2e.kept.p256.${suffix}`, 'us CPU/call', cpu(measured.ours), yardstick);
}

/** Both sides get the same request, header included; the yardstick does not look at the token. */
export async function drive({ go, material, seconds }: Context, server: RunningServer, load: keyof typeof LOADS) {
  if (go === undefined) throw new Error('the load client needs Go');
  const calls = await runForJson<Calls>(CLIENT_CORE, go.client, [
    'calls',
    ...['-address', server.address, '-pid', String(server.pid), '-roots', material.roots],
    ...['-tokens', await material.callerTokens(), '-csr', material.csr.p256],
    ...['-warmup', goDuration(WARM_UP_SECONDS), '-window', goDuration(seconds)],
    ...LOADS[load],
  ]);
  if (calls.errors > 0) throw new Error(`${calls.errors} calls failed: ${calls.firstError ?? ''}`);
  return calls;
}
