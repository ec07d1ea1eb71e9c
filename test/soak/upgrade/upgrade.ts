// An upgrade by one version and back, under load, with each store: nothing that a client would notice, no certificate without
// its record, and no policy bundle of before.
import { setTimeout as sleep } from 'node:timers/promises';
import { POLICY, ServerFiles } from '../../app/support/server-files.ts';
import { SdsClient } from '../../support/clients/sds-client.ts';
import { bundleDocument } from '../../support/policy/signed-bundle.ts';
import { PostgresCluster } from '../../support/postgres/cluster.ts';
import { sdsOverTls } from '../../app/support/running-server.ts';
import type { Measured, Soak, SoakOptions } from '../soak.ts';
import { Clients, type ClientsSettings, type Tally } from './clients.ts';
import { Fleet, type ListedRecord } from './fleet.ts';
import { nextVersion, thisVersion, versionAt, type Settings, type Version } from './versions.ts';

/** From one version to another and back, over one kind of store. */
export interface Form {
  readonly name: string;
  /** Servers on the store. */
  readonly servers: number;
  readonly store: (files: ServerFiles) => Promise<Store>;
}

interface Store extends AsyncDisposable {
  readonly settings: Settings;
  /** Where Envoy's stream goes; an address of one of the servers unless given. */
  readonly socket?: string;
}

const embedded =
  (processes: number) =>
  async (files: ServerFiles): Promise<Store> => ({
    settings: {
      'policy.bundle.stateFile': files.path('bundle-state.json'),
      'sds.sockets': [{ path: files.socket('demo'), namespace: 'default', serviceAccount: 'demo' }],
      ...(processes > 1 && { processes }),
    },
    socket: files.socket('demo'),
    [Symbol.asyncDispose]: async () => undefined,
  });

export const SQLITE: Form = { name: 'sqlite', servers: 1, store: embedded(1) };
export const SQLITE_PROCESSES: Form = { name: 'sqlite.processes', servers: 1, store: embedded(2) };
export const POSTGRES: Form = {
  name: 'postgres',
  servers: 2,
  store: async () => {
    const cluster = await PostgresCluster.start();
    const settings = {
      'journal.store': cluster.url(),
      'journal.postgres.passwordFile': cluster.passwordFile,
      'journal.postgres.caFile': cluster.caFile,
    };
    return { settings, [Symbol.asyncDispose]: async () => cluster[Symbol.asyncDispose]() };
  },
};

/** What a client's own repetitions take in: a machine that does nothing else stops a server and starts one in less. */
const ABSORBED_WITHIN_MS = 10_000;

/** Servers run as each version for some while: before, between two servers, after, and back. */
const PHASES = 6;

export async function runUpgrade(
  form: Form,
  from: Version,
  to: Version,
  { seconds, say, absorbedWithinMs = ABSORBED_WITHIN_MS }: SoakOptions & { readonly absorbedWithinMs?: number },
): Promise<readonly Measured[]> {
  say(`${form.name}: from ${from.name} to ${to.name} and back`);
  const phase = async (): Promise<void> => sleep((seconds / PHASES) * 1_000);
  using files = await ServerFiles.create();
  await using store = await form.store(files);
  await using fleet = await Fleet.start(files, store.settings, form.servers, from);
  const sds = envoyOf(files, fleet, store);
  const clients = new Clients({ files, ports: fleet.ports, absorbedWithinMs, sds });
  await phase();
  await fleet.replace(to, phase);
  files.setPolicy(POLICY);
  await phase();
  const back = await goBack(fleet, from, to, phase);
  say(back);
  const backMs = Date.now();
  await tryOlderBundle(files, phase);
  const tally = await clients.end();
  for (const one of [...tally.failed, ...tally.wrongSecrets].slice(0, 10)) say(one);
  return measured(tally, await fleet.listed(from.goesOn ? from : to), { backMs, fleet });
}

/** @returns in words what came of it. */
async function goBack(fleet: Fleet, from: Version, to: Version, phase: () => Promise<void>): Promise<string> {
  if (from.goesOn) {
    await fleet.replace(from, phase);
    return `${from.name} went on with what ${to.name} left`;
  }
  const said = await fleet.refused(from, to);
  const words = /[^\n]*has schema version[^\n]*/.exec(said)?.[0];
  if (words === undefined) throw new Error(`${from.name} did not refuse the store: ${said}`);
  return `${from.name} is of before the rule and refused: ${words}`;
}

/** Sequences of the policy bundles. */
const OLDER = 1;
const NEWER = 2;

/** Puts the bundle of before the upgrade in the place of the newer one, and then that one back. */
async function tryOlderBundle(files: ServerFiles, phase: () => Promise<void>): Promise<void> {
  for (const sequence of [OLDER, NEWER]) {
    const document = bundleDocument(POLICY, { sequence });
    files.write('bundle.yaml.sig', files.signBundle(document));
    files.write('bundle.yaml', JSON.stringify(document));
    await phase();
  }
}
function envoyOf(files: ServerFiles, fleet: Fleet, { socket }: Store): ClientsSettings['sds'] {
  if (socket !== undefined) return () => new SdsClient(`unix:${socket}`);
  const { ports } = fleet;
  return (attempt, token) => sdsOverTls(ports[attempt % ports.length]!, files.pki.root.certificatePem, { token });
}

function measured(
  tally: Tally,
  records: readonly ListedRecord[],
  { backMs, fleet }: { readonly backMs: number; readonly fleet: Fleet },
): readonly Measured[] {
  const serials = records.map(({ serial }) => serial);
  const known = new Set(serials);
  const older = records.filter(({ time, policy }) => Date.parse(time) > backMs && policy?.bundle === `test@${OLDER}`);
  const newer = records.filter(({ policy }) => policy?.bundle === `test@${NEWER}`);
  return [
    { name: 'certificates asked for', value: tally.calls, unit: 'calls' },
    { name: 'attempts that were repeated', value: tally.repeated, unit: 'in all' },
    { name: 'calls that failed', value: tally.failed.length, unit: 'in all', bound: 0 },
    { name: 'slowest call, with its repetitions', value: tally.slowestMs, unit: 'ms', bound: ABSORBED_WITHIN_MS },
    { name: 'SDS streams', value: tally.streams, unit: 'in all' },
    { name: 'longest without an SDS stream', value: tally.longestGapMs, unit: 'ms', bound: ABSORBED_WITHIN_MS },
    { name: 'wrong SDS secrets', value: tally.wrongSecrets.length, unit: 'in all', bound: 0 },
    { name: 'certificates recorded', value: serials.length, unit: 'in all' },
    { name: 'delivered and not listed', value: missing(tally.delivered, known), unit: 'in all', bound: 0 },
    { name: 'recorded twice', value: serials.length - known.size, unit: 'in all', bound: 0 },
    { name: 'decided by the newer bundle', value: newer.length, unit: 'in all' },
    { name: 'decided by the older bundle after going back', value: older.length, unit: 'in all', bound: 0 },
    { name: 'servers that did not end in order', value: fleet.badEnds.length, unit: 'in all', bound: 0 },
    { name: 'slowest stop', value: Math.max(...fleet.stopsMs), unit: 'ms' },
    { name: 'slowest start', value: Math.max(...fleet.startsMs), unit: 'ms' },
  ];
}

function missing(delivered: readonly string[], known: ReadonlySet<string>): number {
  return delivered.filter((serial) => !known.has(serial)).length;
}

const SECONDS = 60;

/** This version and a next one, made of it. */
function toNext(form: Form): Soak {
  const run: Soak['run'] = async (options) => {
    using next = nextVersion();
    return await runUpgrade(form, thisVersion(), next, options);
  };
  return { name: `upgrade.next.${form.name}`, seconds: SECONDS, run };
}

/** Another revision of the source, such as the last release, and this version. */
function fromFormer(form: Form): Soak {
  const run: Soak['run'] = async (options) => {
    using former = versionAt(options.from);
    return await runUpgrade(form, former, thisVersion(), options);
  };
  return { name: `upgrade.former.${form.name}`, seconds: SECONDS, run };
}

export const upgrades: readonly Soak[] = [fromFormer(SQLITE), ...[SQLITE, SQLITE_PROCESSES, POSTGRES].map(toNext)];
