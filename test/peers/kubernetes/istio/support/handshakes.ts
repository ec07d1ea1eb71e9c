// What pods do with what they are given: the kubelet's mounts of the root ConfigMap, and handshakes between workloads by the
// certificates and roots that their agents have written down.
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { eventually } from '../../../../support/eventually.ts';
import type { IstioAgent } from '../../../istio-agent/istio-agent.ts';

const WITHIN = { withinMs: 60_000 };
/** Between looks of the kubelet. */
const SYNC_MS = 250;
const PAUSE_MS = 50;
/** In which a handshake on a busy machine is over, whatever comes of it. */
const HANDSHAKE_MS = 20_000;
const IN_EACH_PHASE = 50;

/** Writes into each agent's file what the ConfigMap has, as a kubelet does. */
export class MountedRoots implements AsyncDisposable {
  readonly #agents: readonly IstioAgent[];
  readonly #end = new AbortController();
  readonly #running: Promise<void>;
  #held = false;

  constructor(agents: readonly IstioAgent[], read: () => Promise<string | undefined>) {
    this.#agents = agents;
    this.#running = this.#keep(read);
  }

  /** From now on mounts stay as they are. */
  hold(): void {
    this.#held = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#running;
  }

  async #keep(read: () => Promise<string | undefined>): Promise<void> {
    while (!this.#end.signal.aborted) {
      const roots = await read().catch(() => undefined);
      if (roots !== undefined && !this.#held) for (const agent of this.#agents) agent.setRoots(roots);
      await sleep(SYNC_MS);
    }
  }
}

interface Stored {
  readonly chainPem: string;
  readonly keyPem: string;
  readonly rootsPem: string;
}

/** mTLS in both directions between two workloads, one connection after the other. */
export class Handshakes implements AsyncDisposable {
  readonly failures: string[] = [];
  readonly #agents: readonly IstioAgent[];
  /** What each had last that was whole: its files are written one after the other. */
  readonly #last = new Map<IstioAgent, Stored>();
  readonly #end = new AbortController();
  readonly #running: Promise<void>;
  #done = 0;

  constructor(agents: readonly IstioAgent[]) {
    this.#agents = agents;
    this.#running = this.#run();
  }

  /** Until many more have been tried. */
  async more(): Promise<void> {
    const enough = this.#done + IN_EACH_PHASE;
    await eventually(`${IN_EACH_PHASE} more handshakes`, () => this.#done >= enough, WITHIN);
  }

  async untilBelow(rootPem: string): Promise<void> {
    const isBelow = ({ chainPem }: Stored): boolean => {
      const certificates = chainPem.match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----/g) ?? [];
      const root = new X509Certificate(rootPem);
      return certificates.some((pem) => new X509Certificate(pem).verify(root.publicKey));
    };
    await eventually('all are below the root', () => this.#agents.every((agent) => isBelow(this.#of(agent))), WITHIN);
  }

  assertFlawless(): void {
    assert.deepEqual(this.failures, []);
    assert.ok(this.#done > 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const [one, other] = this.#agents as readonly [IstioAgent, IstioAgent];
    for (let round = 0; !this.#end.signal.aborted; round += 1) {
      const [server, client] = round % 2 === 0 ? [one, other] : [other, one];
      try {
        await shakeHands(this.#of(server), this.#of(client));
      } catch (error) {
        this.failures.push(String(error));
      }
      this.#done += 1;
      await sleep(PAUSE_MS);
    }
  }

  #of(agent: IstioAgent): Stored {
    const last = this.#last.get(agent);
    try {
      const now = agent.stored;
      const isWhole =
        new X509Certificate(now.chainPem).checkPrivateKey(createPrivateKey(now.keyPem)) &&
        now.rootsPem.trimEnd().endsWith('-----END CERTIFICATE-----');
      if (isWhole || last === undefined) {
        this.#last.set(agent, now);
        return now;
      }
    } catch (error) {
      // In the middle of being written.
      if (last === undefined) throw error;
    }
    return last;
  }
}

/** @throws whatever either side says against the other. */
async function shakeHands(server: Stored, client: Stored): Promise<void> {
  const listener = createServer({
    cert: server.chainPem,
    key: server.keyPem,
    ca: server.rootsPem,
    requestCert: true,
    rejectUnauthorized: true,
  });
  const signal = AbortSignal.timeout(HANDSHAKE_MS);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening', { signal });
  const { promise: accepted, resolve, reject } = Promise.withResolvers<TLSSocket>();
  accepted.catch(() => undefined); // who connects may say it first
  listener.on('secureConnection', resolve);
  listener.on('tlsClientError', reject);
  const socket = connect({
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    cert: client.chainPem,
    key: client.keyPem,
    ca: client.rootsPem,
    checkServerIdentity: () => undefined, // mesh names are URIs
  });
  try {
    await once(socket, 'secureConnect', { signal });
    // What becomes of the connection after its handshake is of no interest.
    socket.on('error', () => undefined);
    (await accepted).destroy();
  } finally {
    socket.destroy();
    listener.close();
  }
}
