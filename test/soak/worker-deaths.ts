// Workers of a server are killed at random moments, under load. What was delivered is recorded, and a death costs the
// connections of the worker that died and no others.
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { ChildServer } from '../app/support/child-server.ts';
import { ServerFiles } from '../app/support/server-files.ts';
import {
  kill9,
  Load,
  recordedSerials,
  serialsOf,
  untilServing,
  type Served,
} from '../app/support/several-processes.ts';
import { SeededRandom } from '../support/fakes/seeded-random.ts';
import type { Measured, Soak } from './soak.ts';

const PROCESSES = 2;
const CLIENTS = 12;
/** From the moment when all serve, at random. */
const MAX_PAUSE_MS = 600;

export interface Deaths {
  readonly kills: number;
  readonly certificates: number;
  /** Certificates that no journal has. */
  readonly unrecorded: number;
  /** Certificates that more than one record has. */
  readonly recordedTwice: number;
  /** Calls that failed otherwise than as UNAVAILABLE. */
  readonly otherStatus: number;
  /** Calls that failed on a connection to a worker that nobody had killed. */
  readonly unaffectedFailed: number;
  /** Calls that failed in all. */
  readonly failed: number;
  /** Longest that a call took which did not fail, in ms. */
  readonly longestMs: number;
  /** From each death until all served again, in ms, the quickest first. */
  readonly replacedMs: readonly number[];
}

/** @param goesOn asked before each kill. */
export async function killWorkers(goesOn: (kills: number) => boolean): Promise<Deaths> {
  using files = await ServerFiles.create();
  await using server = await ChildServer.start(files, { processes: PROCESSES, 'sds.sockets': [] });
  await untilServing(files, PROCESSES);
  const random = new SeededRandom(7);
  const load = await Load.start(files, CLIENTS, () => server.client());
  await load.untilServed(CLIENTS);
  const deaths: { readonly slot: number; readonly atMs: number }[] = [];
  const replacedMs: number[] = [];
  let workers = await untilServing(files, PROCESSES, 30_000);
  while (goesOn(deaths.length)) {
    await sleep(random.fraction() * MAX_PAUSE_MS);
    const { slot, pid } = workers[Math.floor(random.fraction() * PROCESSES)]!;
    deaths.push({ slot, atMs: performance.now() });
    await kill9(pid);
    workers = await untilServing(files, PROCESSES, 30_000);
    replacedMs.push(performance.now() - deaths.at(-1)!.atMs);
  }
  await load.untilServed(CLIENTS);
  await load.end();
  const reckoned = reckon(load, recordedSerials(files, PROCESSES), deaths);
  return { ...reckoned, replacedMs: replacedMs.sort((a, b) => a - b) };
}

function reckon(
  load: Load,
  recorded: ReadonlyMap<number, ReadonlySet<string>>,
  deaths: readonly { readonly slot: number; readonly atMs: number }[],
): Omit<Deaths, 'replacedMs'> {
  const slotsOf = (serial: string): readonly number[] =>
    [...recorded].flatMap(([slot, serials]) => (serials.has(serial) ? [slot] : []));
  const { delivered, failures, served } = load;
  return {
    kills: deaths.length,
    certificates: delivered.length,
    unrecorded: delivered.filter((serial) => slotsOf(serial).length === 0).length,
    recordedTwice: delivered.filter((serial) => slotsOf(serial).length > 1).length,
    otherStatus: failures.filter(({ outcome }) => outcome.code !== status.UNAVAILABLE).length,
    unaffectedFailed: failures.filter((one) => !wasKilled(one, served, slotsOf, deaths)).length,
    failed: failures.length,
    longestMs: Math.max(...served.filter((one) => !failures.includes(one)).map(timeOf)),
  };
}

/** Whether the worker of the call's connection died between the certificate before it and its failure. */
function wasKilled(
  { client, answeredMs }: Served,
  served: readonly Served[],
  slotsOf: (serial: string) => readonly number[],
  deaths: readonly { readonly slot: number; readonly atMs: number }[],
): boolean {
  const before = served.filter((one) => one.client === client && one.answeredMs < answeredMs);
  const last = before.findLast(({ outcome }) => outcome.code === status.OK);
  // The first call of a connection, or one that failed before: nobody knows whose queue it was in.
  const isFirst = before.at(-1) !== last;
  return deaths.some(
    ({ slot, atMs }) =>
      atMs > (last?.answeredMs ?? 0) - SAME_MOMENT_MS &&
      atMs <= answeredMs &&
      (isFirst || last === undefined || serialsOf(last.outcome).flatMap(slotsOf).includes(slot)),
  );
}

/** Between a worker's last answer and when we read it. */
const SAME_MOMENT_MS = 50;

function timeOf({ sentMs, answeredMs }: Served): number {
  return answeredMs - sentMs;
}

export const workerDeaths: Soak = {
  name: 'worker-deaths',
  // At most; it ends with the hundredth death, and they are a second or two apart.
  seconds: 600,
  run: async ({ seconds, say }) => {
    const untilMs = performance.now() + seconds * 1000;
    const deaths = await killWorkers((kills) => {
      if (kills > 0 && kills % 10 === 0) say(`${kills} workers were killed`);
      return performance.now() < untilMs && kills < 100;
    });
    return measuredOf(deaths);
  },
};

function measuredOf(deaths: Deaths): readonly Measured[] {
  const count = (name: string, value: number, bound?: number): Measured => ({
    name,
    value,
    unit: '',
    ...(bound !== undefined && { bound }),
  });
  return [
    count('workers killed', deaths.kills),
    count('certificates delivered', deaths.certificates),
    count('delivered and not recorded', deaths.unrecorded, 0),
    count('recorded twice', deaths.recordedTwice, 0),
    count('failed otherwise than as UNAVAILABLE', deaths.otherStatus, 0),
    count('failed on the connections of other workers', deaths.unaffectedFailed, 0),
    count('calls that one death costs', deaths.failed / deaths.kills),
    { name: 'longest call that succeeded', value: deaths.longestMs, unit: 'ms' },
    { name: 'a worker was replaced within, median', value: at(deaths.replacedMs, 0.5), unit: 'ms' },
    { name: 'a worker was replaced within, slowest', value: at(deaths.replacedMs, 1), unit: 'ms' },
  ];
}

/** @param quantile from 0 to 1. */
function at(sorted: readonly number[], quantile: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? Number.NaN;
}
