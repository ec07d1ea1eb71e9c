// Three servers on one PostgreSQL with a synchronous standby, under load, while the database is killed and started again,
// and at last fails over. No certificate is delivered without its record, none is recorded twice, and a quota over all
// servers holds within its stated overshoot.
import { setTimeout as sleep } from 'node:timers/promises';
import { ServerFiles } from '../../app/support/server-files.ts';
import { PostgresCluster } from '../../support/postgres/cluster.ts';
import type { Measured, Soak, SoakOptions } from '../soak.ts';
import { Load } from './load.ts';
import { Replica } from './replica.ts';

const REPLICAS = 3;
/** Certificates that the limited namespace may have in a minute, over all servers. */
const QUOTA = 200;
/** As docs/policy.md says: a hundredth of the quota for each server. */
const MAX_OVERSHOOT = (REPLICAS * QUOTA) / 100;
const LIMITED = 'limited';
const FREE = 'free';
const MINUTE_MS = 60_000;
/** How long each life of the database lasts at most, and how long it is away. */
const UP_MS = 2_000;
const DOWN_MS = 1_000;
/** Of `listen.requestTimeout`, and what a busy machine takes to say so. */
const MAX_CALL_MS = 15_000;

/** @param options.seconds at least, after which the database fails over. */
export async function runReplicas({
  crashes,
  seconds,
  say,
}: SoakOptions & { readonly crashes: number }): Promise<readonly Measured[]> {
  using files = await ServerFiles.create();
  files.setPolicy([{ namespaces: [FREE, LIMITED] }]);
  files.setLocal('limited.yaml', quotaOf(LIMITED));
  await using primary = await PostgresCluster.start();
  await using standby = await primary.standby({ synchronous: true });
  await using servers = await startAll(files, primary, standby);
  const load = await Load.begin(files, servers.all, { namespaces: [FREE, LIMITED], each: 4, pauseMs: 20 });
  const recoveriesMs: number[] = [];
  const recovered = async (): Promise<void> => {
    const startedMs = performance.now();
    await Promise.all(servers.all.map(async (server) => server.ready()));
    recoveriesMs.push(performance.now() - startedMs);
  };
  const endMs = performance.now() + seconds * 1_000;
  for (let crash = 0; crash < crashes; crash += 1) {
    await sleep(Math.random() * UP_MS);
    await primary.kill9();
    await sleep(Math.random() * DOWN_MS);
    await primary.restart();
    await recovered();
  }
  await sleep(Math.max(UP_MS, endMs - performance.now()));
  await primary.kill9();
  await standby.promote();
  await recovered();
  const before = load.delivered.length;
  await sleep(UP_MS);
  await load.end();
  say(`outcomes: ${JSON.stringify(load.outcomes)}`);
  const failed = await failedCommands(files, servers.all[0]);
  const records = await recordsIn(standby);
  const times = await limitedTimes(standby);
  const restarted = servers.all.filter(({ runs }) => !runs).length;
  return [
    { name: 'certificates delivered', value: load.delivered.length, unit: 'in all' },
    { name: 'after the failover', value: load.delivered.length - before, unit: 'in all' },
    { name: 'delivered without a record', value: missing(load.delivered, records), unit: 'in all', bound: 0 },
    { name: 'recorded twice', value: records.length - new Set(records).size, unit: 'in all', bound: 0 },
    { name: 'refused other than for the database or a quota', value: odd(load.outcomes), unit: 'calls', bound: 0 },
    { name: 'commands that could not read it', value: failed, unit: 'of 3', bound: 0 },
    { name: 'servers that ended', value: restarted, unit: 'in all', bound: 0 },
    { name: 'recorded under the quota', value: times.length, unit: 'in all' },
    { name: 'beyond the quota', value: beyond(times), unit: 'at once', bound: MAX_OVERSHOOT },
    { name: 'slowest call', value: load.slowestMs, unit: 'ms', bound: MAX_CALL_MS },
    { name: 'slowest recovery', value: Math.max(...recoveriesMs), unit: 'ms' },
  ];
}

interface Servers extends AsyncDisposable {
  readonly all: readonly Replica[];
}

async function startAll(
  files: ServerFiles,
  ...databases: readonly [PostgresCluster, PostgresCluster]
): Promise<Servers> {
  const [primary, standby] = databases;
  const settings = {
    'journal.store': primary.url([standby]),
    'journal.postgres.passwordFile': primary.passwordFile,
    'journal.postgres.caFile': primary.caFile,
    'lifetimes.default': '1h',
  };
  const all: Replica[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(all.map(async (replica) => replica[Symbol.asyncDispose]()));
  };
  try {
    const names = Array.from({ length: REPLICAS }, (_, index) => `replica-${index + 1}`);
    // All at once, so that they create one schema between them.
    const started = await Promise.allSettled(
      names.map(async (name) => void all.push(await Replica.start(files, { name, settings }))),
    );
    for (const one of started) if (one.status === 'rejected') throw one.reason;
    return { all, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const quotaOf = (namespace: string): string =>
  JSON.stringify({
    apiVersion: 'capstan.dev/v1alpha1',
    kind: 'IssuancePolicy',
    metadata: { name: 'own', namespace },
    spec: { quotas: { perNamespacePerMinute: QUOTA } },
  });

/** `journal list`, `policy replay` and `drift` on what is left after the failover; policies are what they were. */
async function failedCommands(files: ServerFiles, server: Replica | undefined): Promise<number> {
  const [bundle, policies] = [files.path('bundle.yaml'), files.path('policies')];
  const codes = [
    await server?.command('journal', 'list', '--limit', '10'),
    await server?.command('policy', 'replay', '--bundle', bundle, '--with', policies),
    await server?.command('drift', '--bundle', bundle, '--policies', policies),
  ];
  return codes.filter((code) => code !== 0).length;
}

/** Serials of workloads' certificates. */
async function recordsIn(database: PostgresCluster): Promise<readonly string[]> {
  const rows = await database.query("SELECT serial FROM decisions WHERE outcome = 'issued' AND api = 'csr'");
  return rows.map(([serial]) => serial ?? '');
}

/** When certificates of the limited namespace were decided on, in ms, in order. */
async function limitedTimes(database: PostgresCluster): Promise<readonly number[]> {
  const rows = await database.query(
    `SELECT time_ms FROM decisions WHERE outcome = 'issued' AND identity LIKE '%/ns/${LIMITED}/%' ORDER BY time_ms`,
  );
  return rows.map(([timeMs]) => Number(timeMs));
}

function missing(delivered: readonly string[], records: readonly string[]): number {
  const known = new Set(records);
  return delivered.filter((serial) => !known.has(serial)).length;
}

/** A quota lets through a burst of its size, and then its pace, from each moment to each later one. */
function beyond(times: readonly number[]): number {
  let most = -Infinity;
  for (const [from, startMs] of times.entries()) {
    for (let to = from; to < times.length; to += 1) {
      const allowed = QUOTA + (((times[to] ?? 0) - startMs) * QUOTA) / MINUTE_MS;
      most = Math.max(most, to - from + 1 - allowed);
    }
  }
  return Math.max(0, most);
}

/** What nobody should have been told: neither that the database is away, nor that a quota is used up. */
function odd(outcomes: Readonly<Record<string, number>>): number {
  const expected = /^(OK|UNAVAILABLE CAP-S04|RESOURCE_EXHAUSTED CAP-Q03|\w+ CAP-Q03)$/;
  return Object.entries(outcomes).reduce((sum, [outcome, count]) => sum + (expected.test(outcome) ? 0 : count), 0);
}

export const replicas: Soak = {
  name: 'replicas',
  seconds: 120,
  run: async (options) => runReplicas({ crashes: 10, ...options }),
};
