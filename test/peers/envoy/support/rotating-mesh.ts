// Two real Envoys that call each other, both served by one Capstan whose trust anchor is rotated; the answers to one of them
// can be held, so that it is a phase behind. Istio's own agent may stand beside them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { eventually, freePort } from '../../../support/eventually.ts';
import { IstioAgent } from '../../istio-agent/istio-agent.ts';
import { Capstan } from '../../support/capstan.ts';
import { Load, type Manner } from '../../support/load.ts';
import { createRoot, signIntermediate, type TestAuthority } from '../../support/pki.ts';
import { tlsValues } from '../../support/token-files.ts';
import { visit } from '../../support/tls-visit.ts';
import { addPeerCluster, addRoute, FRESH_CONNECTIONS, leadingTo, lengthenTimeouts } from './bootstrap.ts';
import { Envoy } from './envoy.ts';
import { HeldPort } from './held-port.ts';

/** Of the agent's certificates: it renews after half of it. */
const AGENT_TTL = '16s';
/** Between tries of a step that is refused: an operator may not ask more often. */
const PATIENTLY = { withinMs: 90_000, everyMs: 1_000 };
const LATE = 'late';
const PROMPT = 'prompt';
/** Between a phase and the next one, each direction has at least as many requests. */
const REQUESTS_EACH_PHASE = 50;

export interface RotatingMeshSettings {
  /** In each direction. */
  readonly requestsPerSecond: number;
  /** Binary of Istio's agent; absent, there is none. */
  readonly agent?: string;
}

export class RotatingMesh {
  /** What the board said, in the middle of each phase. */
  readonly boards: string[] = [];
  readonly #capstan: Capstan;
  readonly #held: HeldPort;
  readonly #prompt: Envoy;
  readonly #late: Envoy;
  readonly #agent: IstioAgent | undefined;
  readonly #next: TestAuthority;
  readonly #requestsPerSecond: number;
  #load: BothWays | undefined;

  private constructor(
    capstan: Capstan,
    held: HeldPort,
    [prompt, late]: readonly [Envoy, Envoy],
    agent: IstioAgent | undefined,
    next: TestAuthority,
    requestsPerSecond: number,
  ) {
    this.#capstan = capstan;
    this.#held = held;
    this.#prompt = prompt;
    this.#late = late;
    this.#agent = agent;
    this.#next = next;
    this.#requestsPerSecond = requestsPerSecond;
  }

  static async open(stack: AsyncDisposableStack, settings: RotatingMeshSettings): Promise<RotatingMesh> {
    const capstan = stack.use(
      await Capstan.start({
        sockets: [],
        sds: { rotationSpread: '1s' },
        lifetimes: { min: '1s' },
        issuerFolder: true,
      }),
    );
    const held = stack.use(await HeldPort.before(capstan.tlsPort));
    const [promptPort, latePort] = [await freePort(), await freePort()];
    const proxies = [
      await proxyOf(stack, capstan, PROMPT, { mtlsPort: promptPort, otherPort: latePort, caPort: capstan.tlsPort }),
      await proxyOf(stack, capstan, LATE, { mtlsPort: latePort, otherPort: promptPort, caPort: held.port }),
    ] as const;
    for (const proxy of proxies) await proxy.live(60_000);
    const agent = settings.agent === undefined ? undefined : await agentOf(stack, capstan, settings.agent);
    const next = await createRoot('Next Root');
    return new RotatingMesh(capstan, held, proxies, agent, next, settings.requestsPerSecond);
  }

  /** Requests from each proxy to the other, each over a connection of its own; begins at once. */
  load(stack: AsyncDisposableStack): BothWays {
    const loads = [this.#prompt, this.#late].map(({ plainPort: port }) => {
      const requestsPerSecond = this.#requestsPerSecond;
      return stack.use(new Load({ port, path: '/other', requestsPerSecond, manners: mannersFor(requestsPerSecond) }));
    });
    this.#load = new BothWays(loads);
    return this.#load;
  }

  /** All phases by the commands of the runbook. In each, one proxy has what is new, and the other what was before. */
  async rotate(): Promise<void> {
    const file = this.#capstan.write('new-root.pem', this.#next.certificatePem);
    // 1. Publish: the prompt proxy knows both roots, the late one the old one alone.
    this.#held.hold();
    await this.#do('start', '--new', file);
    // `issuer import` judges by the file, and agents find the roots beside them.
    const both = this.#capstan.anchorsPem + this.#next.certificatePem;
    this.#capstan.replaceAnchors(both);
    this.#agent?.setRoots(both);
    await this.#untilUpdated(this.#prompt, 'ROOTCA', 2);
    await this.#importIntermediate();
    await this.#refused('advance', /not known to have the new trust anchor/);
    await this.#untilDone('advance');
    // 2. Adopt: the prompt proxy has a leaf below the new root, the late one below the old.
    await this.#untilUpdated(this.#prompt, 'default', 2);
    await this.#refused('retire', /below the old trust anchor/);
    await this.#untilDone('retire');
    // 3. Retire: the prompt proxy knows the new root alone, the late one both.
    await this.#untilUpdated(this.#prompt, 'ROOTCA', 3);
    await this.#lateIsNamed(/known to have the old trust anchor still/);
    this.#held.release();
    this.#capstan.replaceAnchors(this.#next.certificatePem);
    await eventually('it is done', async () => /in phase done/.test(await this.#board()) || undefined, PATIENTLY);
    await this.#load?.more(REQUESTS_EACH_PHASE);
  }

  /**
   * Into adopt while one proxy is never told of the new root. @param bridges whether there is a bridge for it, made and given as
   * the plan says; without one the step is taken all the same.
   */
  async adoptWithoutLate({ bridges }: { readonly bridges: boolean }): Promise<void> {
    const file = this.#capstan.write('new-root.pem', this.#next.certificatePem);
    this.#held.hold();
    await this.#do('start', '--new', file);
    this.#capstan.replaceAnchors(this.#capstan.anchorsPem + this.#next.certificatePem);
    await this.#untilUpdated(this.#prompt, 'ROOTCA', 2);
    await this.#importIntermediate();
    await this.#refused('advance', /not known to have the new trust anchor/);
    if (bridges) await this.#bridge();
    await this.#do('advance', ...(bridges ? [] : ['--override']));
    await this.#untilUpdated(this.#prompt, 'default', 2);
    if (bridges) await this.#refused('retire', /bridged, and not known to have the new trust anchor/);
  }

  /** By the commands of the plan, in a shell. */
  async #bridge(): Promise<void> {
    const { output } = await this.#command('anchor', 'plan');
    const commands = output.split('\n').filter((line) => /^ {2}(printf|openssl) /.test(line));
    const { keyPem, certificatePem } = this.#capstan.root;
    this.#capstan.write('old-root.key', keyPem);
    const cwd = path.dirname(this.#capstan.write('old-root.pem', certificatePem));
    await promisify(execFile)('sh', ['-ec', commands.join('\n')], { cwd });
    const cross = path.join(cwd, 'cross.pem');
    await this.#do('bridge', '--certificate', cross, '--dry-run');
    await this.#do('bridge', '--certificate', cross);
  }

  /** The proxy that lagged behind is told of everything, and the rotation goes on to its end. */
  async catchUp(): Promise<void> {
    this.#held.release();
    await eventually(
      'nothing is in the way of retire',
      async () => /Nothing is in the way/.test(await this.#board()) || undefined,
      PATIENTLY,
    );
    await this.#do('retire');
    this.#capstan.replaceAnchors(this.#next.certificatePem);
    await eventually('it is done', async () => /in phase done/.test(await this.#board()) || undefined, PATIENTLY);
    await this.#load?.more(REQUESTS_EACH_PHASE);
  }

  /** The issuer below the new anchor is put in force while nobody was told of that anchor. */
  async skipPublish(): Promise<void> {
    this.#held.hold();
    const both = this.#capstan.anchorsPem + this.#next.certificatePem;
    this.#capstan.replaceAnchors(both);
    await this.#importIntermediate('--now');
  }

  /** Who asks either proxy finds the new root above it, and the old one is known to nobody. */
  async assertOnNewAnchor(): Promise<void> {
    for (const envoy of [this.#prompt, this.#late]) {
      const { ca_cert } = (await envoy.certificates())[0]!;
      assert.equal(ca_cert.length, 1);
    }
    if (this.#agent !== undefined) await this.#agentVisits('Next Root');
    const refusals = this.#capstan.journal(10_000).filter(({ outcome }) => outcome === 'refused');
    assert.deepEqual(refusals, []);
  }

  /** With what Istio's agent wrote down: its certificate, and the roots by which it judges. */
  async #agentVisits(root: string): Promise<void> {
    await eventually(
      `the agent is below ${root}, and reaches both proxies`,
      async () => {
        for (const { mtlsPort } of [this.#prompt, this.#late]) {
          const { chainPem, keyPem, rootsPem: anchorsPem } = this.#agent!.stored;
          const sight = await visit(mtlsPort, { identity: { chainPem, keyPem }, anchorsPem });
          if (sight.status !== 200 || sight.issuers.at(-1) !== root) return undefined;
        }
        return true;
      },
      PATIENTLY,
    );
  }

  async #importIntermediate(...more: readonly string[]): Promise<void> {
    const { output } = await this.#command('issuer', 'csr');
    const chain = this.#capstan.write('chain.pem', await signIntermediate(this.#next, output));
    await this.#command('issuer', 'import', '--chain', chain, ...more);
  }

  /** While the late proxy is held it stands in the way, by name, and traffic goes on. */
  async #refused(act: string, why: RegExp): Promise<void> {
    await this.#lateIsNamed(why);
    const { code, error } = await this.#capstan.command('anchor', act, '--reason', 'a drill');
    assert.notEqual(code, 0, `${act} was accepted`);
    assert.match(error, /CAP-O03/);
    assert.match(error, why);
  }

  /** Once all others have followed, it alone is behind. */
  async #lateIsNamed(why: RegExp): Promise<void> {
    const alone = new RegExp(`1 live workload is ${why.source}: spiffe://cluster.local/ns/default/sa/${LATE} `);
    await eventually(
      `${LATE} alone is named`,
      async () => {
        const board = await this.#board();
        return alone.test(board) && board;
      },
      PATIENTLY,
    ).then(
      (board) => this.boards.push(board),
      async (error: unknown) => {
        throw new Error(await this.#board(), { cause: error });
      },
    );
    await this.#load?.more(REQUESTS_EACH_PHASE);
  }

  /** The late proxy follows, and the step is taken; then it is held again. */
  async #untilDone(act: string): Promise<void> {
    this.#held.release();
    await eventually(
      `nothing is in the way of ${act}`,
      async () => /Nothing is in the way/.test(await this.#board()) || undefined,
      PATIENTLY,
    );
    this.#held.hold();
    await this.#do(act);
  }

  async #untilUpdated(envoy: Envoy, secret: string, times: number): Promise<void> {
    await eventually(
      `${secret} for the ${times}th time`,
      async () => (await envoy.sds(secret, 'update_success')) >= times,
      {
        withinMs: 60_000,
      },
    );
  }

  async #do(act: string, ...more: readonly string[]): Promise<void> {
    await this.#command('anchor', act, '--reason', 'a drill', ...more);
  }

  async #board(): Promise<string> {
    return (await this.#command('anchor', 'status')).output;
  }

  async #command(...argv: readonly string[]): Promise<{ readonly output: string }> {
    const { code, output, error } = await this.#capstan.command(...argv);
    assert.equal(code, 0, `${argv.join(' ')}: ${error}`);
    return { output };
  }
}

/** The loads of both directions as one. */
export class BothWays {
  readonly #loads: readonly Load[];

  constructor(loads: readonly Load[]) {
    this.#loads = loads;
  }

  get failures(): number {
    return this.#loads.reduce((sum, { tally }) => sum + tally.failures, 0);
  }

  /** Until as many more requests were made in each direction. */
  async more(requests: number): Promise<void> {
    const from = this.#loads.map(({ tally }) => tally.attempts);
    const enough = (): boolean => this.#loads.every(({ tally }, index) => tally.attempts >= from[index]! + requests);
    await eventually(`${requests} more requests each way`, enough, { withinMs: 60_000 });
  }

  /** @param endMs as `performance.now()` counts. */
  async until(endMs: number): Promise<void> {
    await sleep(Math.max(0, endMs - performance.now()));
  }

  /** Lets requests under way end. @returns how many there were, and how many failed. */
  async end(): Promise<{ readonly attempts: number; readonly failures: number }> {
    const tallies = await Promise.all(this.#loads.map(async (load) => load.stop()));
    return { attempts: tallies.reduce((sum, { attempts }) => sum + attempts, 0), failures: this.failures };
  }

  /** @returns how many there were. @throws AssertionError naming the first failures, if there was one. */
  async assertFlawless(): Promise<number> {
    const tallies = await Promise.all(this.#loads.map(async (load) => load.stop()));
    assert.equal(this.failures, 0, tallies.flatMap(({ descriptions }) => descriptions).join('\n'));
    return tallies.reduce((sum, { attempts }) => sum + attempts, 0);
  }
}

/** One worker has one request under way, so a higher rate takes more of them. */
function mannersFor(requestsPerSecond: number): readonly Manner[] {
  return Array.from({ length: Math.max(2, Math.ceil(requestsPerSecond / 30)) }, (_, index) =>
    index % 2 === 0 ? 'h1-kept' : 'h2-kept',
  );
}

interface Ports {
  readonly mtlsPort: number;
  readonly otherPort: number;
  /** Where it finds the CA. */
  readonly caPort: number;
}

async function proxyOf(
  stack: AsyncDisposableStack,
  capstan: Capstan,
  name: string,
  { mtlsPort, otherPort, caPort }: Ports,
): Promise<Envoy> {
  const token = await capstan.token(name, { pod: { name: `${name}-0`, uid: `uid-of-${name}` } });
  return stack.use(
    await Envoy.start({
      mtlsPort,
      bootstrap: 'sds-tls-token-envoy-grpc',
      values: (directory) => ({ ...tlsValues(capstan, directory, token), SERVER_PORT: String(caPort), NODE_ID: name }),
      amend: (document) => {
        lengthenTimeouts(document);
        addPeerCluster(document, 'other', { ...FRESH_CONNECTIONS, ...leadingTo('other', otherPort) });
        addRoute(document, '/other', 'other');
      },
    }),
  );
}

async function agentOf(stack: AsyncDisposableStack, capstan: Capstan, binary: string): Promise<IstioAgent> {
  const { anchorsPem, tlsPort } = capstan;
  const agent = stack.use(new IstioAgent({ binary, anchorsPem, serviceAccount: 'agent', secretTtl: AGENT_TTL }));
  agent.setToken(await capstan.token('agent', { pod: { name: 'agent-0', uid: 'uid-of-agent' } }));
  await agent.start(tlsPort);
  await eventually('the agent has its certificate', () => agent.hasStored, { withinMs: 60_000 });
  return agent;
}
