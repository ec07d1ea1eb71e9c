// A rotation of the trust anchor on three servers that share a PostgreSQL, under load. In each of its phases, and in a rollover before
// it, the server that holds the lease of the chores is told the next step and killed as soon as it has answered: the others have it
// from the database and go on. From publish on one server's way to the database is held while the others go to the end.
import { setTimeout as sleep } from 'node:timers/promises';
import { canonicalJson } from '../../../src/domain/text/canonical-json.ts';
import { AnchorDrill } from '../../app/support/anchor-drill.ts';
import { testAuthority } from '../../support/certificates.ts';
import { eventually, freePort } from '../../support/eventually.ts';
import { PostgresCluster } from '../../support/postgres/cluster.ts';
import { ConnectionGate } from '../../support/postgres/connection-gate.ts';
import type { Measured, Soak, SoakOptions } from '../soak.ts';
import { Replica, type ReplicaPorts } from './replica.ts';
import { SeenAnchors, type SeenStage } from './seen-anchors.ts';

const NAMES = ['replica-1', 'replica-2', 'replica-3'] as const;
type Name = (typeof NAMES)[number];
const WORKLOADS = ['web', 'api', 'cart', 'mail'];
/** Has a leaf and renews when the rotation waits for nobody else. */
const LATE = 'late';
const LATE_ALONE = /CAP-O03 .*1 live workload is below the old trust anchor: .*default\/sa\/late \(pod late-0\)/s;
const SOON = { withinMs: 60_000, everyMs: 500 };

export interface RotationSoakOptions extends SoakOptions {
  /** Whether the lease of a dead server is waited for; otherwise its term is over at once. */
  readonly patient: boolean;
}

interface Place {
  readonly ports: ReplicaPorts;
  readonly bundlePort: number;
  readonly gate: ConnectionGate;
  readonly settings: Readonly<Record<string, unknown>>;
}

class RotatingReplicas {
  readonly drill: AnchorDrill;
  readonly cluster: PostgresCluster;
  readonly #places: ReadonlyMap<Name, Place>;
  readonly #servers = new Map<Name, Replica>();
  readonly #patient: boolean;
  kills = 0;

  constructor(
    { drill, cluster }: { readonly drill: AnchorDrill; readonly cluster: PostgresCluster },
    places: ReadonlyMap<Name, Place>,
    { patient }: Pick<RotationSoakOptions, 'patient'>,
  ) {
    this.drill = drill;
    this.cluster = cluster;
    this.#places = places;
    this.#patient = patient;
  }

  async start(name: Name): Promise<void> {
    const { ports, settings } = this.place(name);
    this.#servers.set(name, await Replica.start(this.drill.files, { name, settings, ports }));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#servers.values()].map(async (server) => server.stop()));
  }

  place(name: Name): Place {
    return this.#places.get(name)!;
  }

  /** Who has the lease: the only one that says what is measured under it. */
  async leader(): Promise<Name> {
    return eventually(
      'one of them leads',
      async () => {
        const said = await Promise.all(NAMES.map(async (name) => ((await this.#leads(name)) ? [name] : [])));
        const leading = said.flat();
        return leading.length === 1 && leading[0];
      },
      SOON,
    );
  }

  /** The one that leads takes the step, and is killed as soon as it has answered. @returns which it was; it does not run. */
  async leaderDiesAfter(step: (dataDirectory: string, name: Name) => Promise<void>): Promise<Name> {
    const name = await this.leader();
    await step(this.dataOf(name), name);
    await this.#servers.get(name)!.kill9();
    this.kills += 1;
    if (!this.#patient) await this.endLease();
    return name;
  }

  dataOf(name: Name): string {
    return this.drill.files.path(name);
  }

  /** How many live workloads the server knows of. */
  async liveAt(name: Name): Promise<number> {
    return eventually(
      'the evidence is read',
      async () => (await this.drill.status(this.dataOf(name))).review?.progress.all.workloads,
      SOON,
    );
  }

  /** As if its term had passed. */
  async endLease(): Promise<void> {
    await this.cluster.query('UPDATE leases SET expires_at = clock_timestamp()');
  }

  async #leads(name: Name): Promise<boolean> {
    const server = this.#servers.get(name);
    if (server?.runs !== true) return false;
    return /^capstan_outage_budget_seconds \d/m.test(await (await server.get('/metrics')).text());
  }
}

/** @param options.seconds at least, of which those that are left pass in phase adopt, under load. */
export async function runReplicaRotation({ seconds, say, patient }: RotationSoakOptions): Promise<readonly Measured[]> {
  const startMs = performance.now();
  await using stack = new AsyncDisposableStack();
  const drill = stack.use(await AnchorDrill.create());
  const cluster = stack.use(await PostgresCluster.start());
  const replicas = new RotatingReplicas({ drill, cluster }, await placesFor(stack, drill, cluster), { patient });
  stack.defer(async () => replicas.stop());
  await Promise.all(NAMES.map(async (name) => replicas.start(name)));
  const servers = NAMES.map((name) => {
    const { ports, bundlePort } = replicas.place(name);
    return { name, tlsPort: ports[0], bundlePort };
  });
  const portOf = (name: Name): number => replicas.place(name).ports[0];
  const others = (...without: readonly Name[]): readonly Name[] => NAMES.filter((name) => !without.includes(name));
  await drill.ask(portOf('replica-1'), LATE);
  // Who led when there was no workload yet says nothing for a while.
  if (!patient) await replicas.endLease();
  const seen = await SeenAnchors.begin(drill, servers, WORKLOADS);
  const tell = (what: string): void => say(`${((performance.now() - startMs) / 1_000).toFixed(1)} s: ${what}`);
  const lost: string[] = [];
  const demandAll = async (name: Name, when: string): Promise<void> => {
    const live = await replicas.liveAt(name);
    if (live !== WORKLOADS.length + 1) lost.push(`${name} knew ${live} workloads ${when}`);
  };
  const untilDocument = async (name: Name, stage: SeenStage): Promise<void> => {
    await eventually(`${name} sends ${stage}`, () => seen.documentStageOf(name) === stage, SOON);
  };

  const rolled = await replicas.leaderDiesAfter(async (_, name) =>
    imported(drill, replicas.place(name), drill.files.pki),
  );
  tell(`${rolled} led and was killed in its rollover`);
  await replicas.start(rolled);

  const began = await replicas.leaderDiesAfter(async (data) => drill.start(data));
  tell(`${began} led and was killed in publish`);
  for (const name of others(began)) {
    await drill.untilPhase('publish', replicas.dataOf(name));
    await untilDocument(name, 'both');
    await demandAll(name, 'in publish');
  }
  await replicas.start(began);
  await untilDocument(began, 'both');
  for (const name of NAMES) await imported(drill, replicas.place(name), drill.next);
  for (const name of NAMES) await drill.ask(portOf(name), LATE);

  const leading = await replicas.leader();
  const [held] = others(leading) as [Name];
  replicas.place(held).gate.hold();
  tell(`the database is out of reach of ${held}`);
  const advanced = await replicas.leaderDiesAfter(async (data) => drill.stepDone('advance', data));
  tell(`${advanced} led and was killed in adopt`);
  const [left] = others(held, advanced) as [Name];
  await drill.untilPhase('adopt', replicas.dataOf(left));
  await drill.untilAll(portOf(left), { below: 'new', anchors: 'old,new' });
  await demandAll(left, 'in adopt');
  const early = async (): Promise<string> =>
    (await drill.anchor(['retire', '--reason', 'too early'], replicas.dataOf(left))).error;
  await eventually('the one that has not renewed is named', async () => LATE_ALONE.test(await early()), SOON);
  await sleep(Math.max(0, startMs + seconds * 1_000 - performance.now()));
  await drill.ask(portOf(left), LATE);

  seen.retires();
  const retired = await replicas.leaderDiesAfter(async (data) => drill.stepDone('retire', data));
  tell(`${retired} led and was killed in retire`);
  // It was away in adopt, and its own issuer has nobody above it by now: what follows lies in its folder.
  await replicas.start(advanced);
  await untilDocument(advanced, 'new');
  await drill.untilAll(portOf(advanced), { below: 'new', anchors: 'new' });
  const heldStage = seen.documentStageOf(held);
  const phaseWhileHeld = await drill.phase(replicas.dataOf(advanced));
  await replicas.start(retired);
  const goes = await replicas.leaderDiesAfter(async () => undefined);
  tell(`${goes} led and was killed while the old root goes out`);
  replicas.place(held).gate.release();
  await replicas.start(goes);
  await drill.untilAll(portOf(held), { below: 'new', anchors: 'new' }, LATE);
  for (const name of NAMES) {
    await drill.untilPhase('done', replicas.dataOf(name));
    await untilDocument(name, 'new');
    await drill.untilAll(portOf(name), { below: 'new', anchors: 'new' });
  }
  tell('done');
  await seen.end();

  const states = await Promise.all(NAMES.map(async (name) => drill.status(replicas.dataOf(name))));
  const told = new Set(states.map(({ anchors, rotation }) => canonicalJson([anchors, rotation])));
  const records = (await cluster.query("SELECT serial FROM decisions WHERE outcome = 'issued'")).flat();
  const known = new Set(records);
  const delivered = [...seen.serials, ...drill.serials];
  const phases = (
    await cluster.query(
      "SELECT became FROM operations WHERE operation LIKE 'anchor %' AND was <> became AND became IN ('publish', 'adopt', 'retire', 'done') ORDER BY time_ms",
    )
  ).flat();
  for (const one of [...seen.wrong, ...lost]) say(one);
  say(`outcomes: ${JSON.stringify(seen.outcomes)}`);
  return [
    { name: 'certificates delivered', value: delivered.length, unit: 'in all' },
    { name: 'bundle documents read', value: seen.documents, unit: 'in all' },
    { name: 'leaders killed', value: replicas.kills, unit: 'in all' },
    { name: 'roots lost, or back', value: seen.wrong.length, unit: 'times', bound: 0 },
    {
      name: 'delivered without a record',
      value: delivered.filter((one) => !known.has(one)).length,
      unit: 'in all',
      bound: 0,
    },
    { name: 'recorded twice', value: records.length - known.size, unit: 'in all', bound: 0 },
    { name: 'evidence lost', value: lost.length, unit: 'times', bound: 0 },
    { name: 'stale servers without both roots', value: heldStage === 'both' ? 0 : 1, unit: 'in all', bound: 0 },
    {
      name: 'ended while a server had the old root',
      value: phaseWhileHeld === 'retire' ? 0 : 1,
      unit: 'times',
      bound: 0,
    },
    { name: 'differing statuses', value: told.size - 1, unit: 'in all', bound: 0 },
    {
      name: 'steps lost or done twice',
      value: phases.join() === 'publish,adopt,retire,done' ? 0 : 1,
      unit: 'in all',
      bound: 0,
    },
    {
      name: 'refused otherwise than for a dead server or database',
      value: odd(seen.outcomes),
      unit: 'calls',
      bound: 0,
    },
  ];
}

/** Each server has an intermediate of its own in its folder, and its own way to the database; their files of anchors have the old root. */
async function placesFor(
  stack: AsyncDisposableStack,
  drill: AnchorDrill,
  cluster: PostgresCluster,
): Promise<ReadonlyMap<Name, Place>> {
  const places = new Map<Name, Place>();
  const { files, next } = drill;
  files.write('both.pem', files.pki.root.certificatePem + next.root.certificatePem);
  for (const name of NAMES) {
    const gate = stack.use(await ConnectionGate.before(cluster.port));
    const bundlePort = await freePort();
    const settings = {
      ...drill.settingsIn(name, await testAuthority({ root: files.pki.root })),
      'journal.store': `postgres://${cluster.user}@${cluster.host}:${gate.port}/${cluster.database}`,
      'journal.postgres.caFile': cluster.caFile,
      'journal.postgres.passwordFile': cluster.passwordFile,
      'listen.administration.socket': files.path(`${name}/admin.sock`),
      'trustAnchors.endpoint.address': `127.0.0.1:${bundlePort}`,
      'trustAnchors.endpoint.profile': 'https_spiffe',
    };
    places.set(name, { ports: [await freePort(), await freePort()], bundlePort, gate, settings });
  }
  return places;
}

async function imported(drill: AnchorDrill, { settings }: Place, below: AnchorDrill['next']): Promise<void> {
  const judgedBy = { ...settings, 'trustAnchors.file': drill.files.path('both.pem') };
  const { code, error } = await drill.importNext(judgedBy, { below });
  if (code !== 0) throw new Error(error);
}

/** What nobody should have been told. A server that was cut off through adopt adopts when it hears of the rest, and has no issuer for a moment. */
function odd(outcomes: Readonly<Record<string, number>>): number {
  const expected = /^(OK|UNAVAILABLE (CAP-S01|CAP-S04|no connection))$/;
  return Object.entries(outcomes).reduce((sum, [outcome, count]) => sum + (expected.test(outcome) ? 0 : count), 0);
}

export const replicaRotation: Soak = {
  name: 'replica-rotation',
  seconds: 120,
  run: async (options) => runReplicaRotation({ patient: true, ...options }),
};
