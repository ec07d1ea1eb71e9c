// What clients see of trust anchors at several servers while these are rotated: every answer and every bundle document is looked at, and
// what must never be is counted.
import { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { csrClient } from '../../app/support/running-server.ts';
import type { AnchorDrill } from '../../app/support/anchor-drill.ts';
import { serialsOf } from '../../app/support/several-processes.ts';
import type { Outcome } from '../../adapters/grpc/wire.ts';
import { buildCsr } from '../../support/certificates.ts';

export interface SeenServer {
  readonly name: string;
  readonly tlsPort: number;
  readonly bundlePort: number;
}

/** In the order of a rotation: a server that goes back in it has lost a root, or brought one back. */
export type SeenStage = 'old' | 'both' | 'new';
const STAGES: readonly SeenStage[] = ['old', 'both', 'new'];

const CALL_EVERY_MS = 150;
const DOCUMENT_EVERY_MS = 300;
/** A server that is killed or cut off answers nothing; nobody waits longer than that for its document. */
const DOCUMENT_WITHIN_MS = 5_000;

export class SeenAnchors {
  readonly serials: string[] = [];
  /** By status and reason. */
  readonly outcomes: Record<string, number> = {};
  /** What should never have been, in words. */
  readonly wrong: string[] = [];
  documents = 0;
  readonly #drill: AnchorDrill;
  readonly #servers: readonly SeenServer[];
  readonly #stages = new Map<string, SeenStage>();
  readonly #documentStages = new Map<string, SeenStage>();
  #retires = false;
  #ending = false;
  #all: Promise<unknown> = Promise.resolve();

  private constructor(drill: AnchorDrill, servers: readonly SeenServer[]) {
    this.#drill = drill;
    this.#servers = servers;
  }

  /** @param workloads each asks all servers in turn, as behind one name. */
  static async begin(
    drill: AnchorDrill,
    servers: readonly SeenServer[],
    workloads: readonly string[],
  ): Promise<SeenAnchors> {
    const seen = new SeenAnchors(drill, servers);
    const { pem: csr } = await buildCsr();
    seen.#all = Promise.all([
      ...workloads.map(async (workload, index) => seen.#live(workload, csr, index)),
      ...servers.map(async (server) => seen.#watch(server)),
    ]);
    seen.#all.catch(() => undefined);
    return seen;
  }

  /** From now on a server may leave the old root out. */
  retires(): void {
    this.#retires = true;
  }

  /** In the newest document of its bundle endpoint. */
  documentStageOf(name: string): SeenStage | undefined {
    return this.#documentStages.get(name);
  }

  /** Resolves when every call is answered. @throws Error of what a client met that is no answer. */
  async end(): Promise<void> {
    this.#ending = true;
    await this.#all;
  }

  async #live(workload: string, csr: string, first: number): Promise<void> {
    const anchors = this.#drill.files.pki.root.certificatePem + this.#drill.next.root.certificatePem;
    const token = await this.#drill.files.mint.tokenIn('default', workload);
    using stack = new DisposableStack();
    const clients = this.#servers.map((server) => ({
      server,
      client: stack.use(csrClient(server.tlsPort, anchors)),
    }));
    for (let at = first; !this.#ending; at += 1) {
      const { server, client } = clients[at % clients.length]!;
      const before = this.#stages.get(server.name);
      const outcome = await client.call({ csr, headers: { authorization: `Bearer ${token}` } });
      this.#count(outcome);
      if (outcome.code === status.OK) this.#judgeAnswer(server.name, outcome, before);
      await sleep(CALL_EVERY_MS);
    }
  }

  #count({ code, details }: Outcome): void {
    const reason = code === status.OK ? '' : ` ${/^CAP-\w+/.exec(details)?.[0] ?? 'no connection'}`;
    const outcome = `${status[code]}${reason}`;
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
  }

  #judgeAnswer(name: string, outcome: Outcome, before: SeenStage | undefined): void {
    this.serials.push(...serialsOf(outcome));
    const chain = outcome.response?.certChain ?? [];
    const pems = (chain.at(-1) ?? '').match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----/g) ?? [];
    const stage = this.#stageOf(pems.map((pem) => new X509Certificate(pem)));
    const above = new X509Certificate(chain[1] ?? '').verify(this.#newRoot.publicKey) ? 'new' : 'old';
    if (stage !== 'both' && stage !== above)
      this.wrong.push(`${name} sent a leaf below the ${above} root with ${stage}`);
    this.#note(this.#stages, { name, stage, before, where: 'an answer' });
  }

  async #watch({ name, bundlePort }: SeenServer): Promise<void> {
    while (!this.#ending) {
      const before = this.#documentStages.get(name);
      const text = await documentAt(bundlePort).catch(() => undefined);
      if (text !== undefined) {
        const { keys } = JSON.parse(text) as {
          readonly keys: readonly { readonly use: string; readonly x5c: string[] }[];
        };
        const stage = this.#stageOf(
          keys
            .filter(({ use }) => use === 'x509-svid')
            .map(({ x5c }) => new X509Certificate(Buffer.from(x5c[0] ?? '', 'base64'))),
        );
        this.documents += 1;
        this.#note(this.#documentStages, { name, stage, before, where: 'its bundle endpoint' });
      }
      await sleep(DOCUMENT_EVERY_MS);
    }
  }

  /** @param seen.before what was known when the question was sent: answers overtake each other. */
  #note(
    stages: Map<string, SeenStage>,
    {
      name,
      stage,
      before,
      where,
    }: {
      readonly name: string;
      readonly stage: SeenStage | undefined;
      readonly before: SeenStage | undefined;
      readonly where: string;
    },
  ): void {
    if (stage === undefined) {
      this.wrong.push(`${name} had neither root in ${where}`);
      return;
    }
    if (stage === 'new' && !this.#retires)
      this.wrong.push(`${name} left the old root out of ${where} before it was retired`);
    if (before !== undefined && STAGES.indexOf(stage) < STAGES.indexOf(before))
      this.wrong.push(`${name} went from ${before} to ${stage} in ${where}`);
    const known = stages.get(name);
    if (known === undefined || STAGES.indexOf(stage) > STAGES.indexOf(known)) stages.set(name, stage);
  }

  #stageOf(anchors: readonly X509Certificate[]): SeenStage | undefined {
    const has = (pem: string): boolean =>
      anchors.some(({ fingerprint256 }) => fingerprint256 === new X509Certificate(pem).fingerprint256);
    const [hasOld, hasNew] = [
      has(this.#drill.files.pki.root.certificatePem),
      has(this.#drill.next.root.certificatePem),
    ];
    if (hasOld && hasNew) return 'both';
    if (hasOld) return 'old';
    return hasNew ? 'new' : undefined;
  }

  get #newRoot(): X509Certificate {
    return new X509Certificate(this.#drill.next.root.certificatePem);
  }
}

/** What others fetch, whoever the endpoint says it is. */
async function documentAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, rejectUnauthorized: false, agent: false, timeout: DOCUMENT_WITHIN_MS };
    const asked = request(options, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', reject);
    asked.end();
  });
}
