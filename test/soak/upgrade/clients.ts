// What is connected to a server while it is replaced, and must not notice: workloads that renew, by token and by client
// certificate, and an Envoy with a stream of SDS. They repeat what fails as Istio's agent and Envoy do.
import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import type { CsrWire, Outcome } from '../../adapters/grpc/wire.ts';
import { csrClient } from '../../app/support/running-server.ts';
import type { ServerFiles } from '../../app/support/server-files.ts';
import { buildCsr, spiffe } from '../../support/certificates.ts';
import { pemOf, secretsOf, type SdsClient, type SotwClientStream } from '../../support/clients/sds-client.ts';
import { serialOf } from '../replicas/load.ts';

/** What Istio's agent repeats (`pkg/security/retry.go`). */
const REPEATED: readonly status[] = [
  status.CANCELLED,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.ABORTED,
  status.INTERNAL,
  status.UNAVAILABLE,
];
/** Its pause after the first failure, which doubles. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_600;
const CALL_TIMEOUT_MS = 5_000;
const BETWEEN_CALLS_MS = 100;
const BY_TOKEN = 4;
const BY_CERTIFICATE = 4;

/** What came of it all. */
export class Tally {
  calls = 0;
  /** Attempts that failed and were repeated. */
  repeated = 0;
  /** From the first attempt to the certificate. */
  slowestMs = 0;
  readonly failed: string[] = [];
  /** Serials as the journal writes them. */
  readonly delivered: string[] = [];
  streams = 0;
  /** Without a stream, from the end of one to the first answer on the next. */
  longestGapMs = 0;
  readonly wrongSecrets: string[] = [];
}

export interface ClientsSettings {
  readonly files: ServerFiles;
  /** Of the servers: the next one is asked after a failure. */
  readonly ports: readonly number[];
  /** A call that is repeated for longer has failed. */
  readonly absorbedWithinMs: number;
  /** @param attempt counts up. */
  readonly sds: (attempt: number, token: string) => SdsClient;
}

export class Clients {
  readonly tally = new Tally();
  readonly #settings: ClientsSettings;
  readonly #ending = new AbortController();
  readonly #all: Promise<unknown>;

  constructor(settings: ClientsSettings) {
    this.#settings = settings;
    const names = [...Array(BY_TOKEN + BY_CERTIFICATE).keys()];
    this.#all = Promise.all([...names.map(async (index) => this.#live(index)), this.#follow()]);
    this.#all.catch(() => undefined);
  }

  /** Resolves when the last call is answered. */
  async end(): Promise<Tally> {
    this.#ending.abort();
    await this.#all;
    return this.tally;
  }

  async #live(index: number): Promise<void> {
    const { files, ports } = this.#settings;
    const account = `agent-${index}`;
    using agent = new Agent(files, ports, account, index % ports.length);
    const headers = { authorization: `Bearer ${await files.mint.token(account)}` };
    let enrolled = false;
    while (!this.#ending.signal.aborted) {
      await this.#absorbed(agent, index < BY_TOKEN || !enrolled ? headers : {});
      if (!enrolled && index >= BY_TOKEN) agent.reconnect();
      enrolled = true;
      await sleep(BETWEEN_CALLS_MS);
    }
  }

  /** One call, repeated until it succeeds or has failed. */
  async #absorbed(agent: Agent, headers: Readonly<Record<string, string>>): Promise<void> {
    const { tally } = this;
    const sinceMs = performance.now();
    tally.calls += 1;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      const { code, details } = await agent.renew(headers, (serial) => tally.delivered.push(serial));
      const tookMs = performance.now() - sinceMs;
      if (code === status.OK) {
        tally.slowestMs = Math.max(tally.slowestMs, tookMs);
        return;
      }
      if (!REPEATED.includes(code) || tookMs > this.#settings.absorbedWithinMs) {
        tally.failed.push(`${status[code]} ${details} after ${Math.round(tookMs)} ms`);
        return;
      }
      tally.repeated += 1;
      await sleep(pauseMs);
    }
  }

  /** Envoy's stream: when it ends, another one is opened. */
  async #follow(): Promise<void> {
    const { signal } = this.#ending;
    const token = await this.#settings.files.mint.token('demo');
    let endedMs = performance.now();
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      using client = this.#settings.sds(attempt, token);
      const stream = client.sotw();
      const end = (): void => stream.cancel();
      signal.addEventListener('abort', end, { once: true });
      stream.subscribe('default');
      const answered = await this.#heed(stream, endedMs);
      // The next one shows how long it took, however many end before they are answered.
      if (answered) endedMs = performance.now();
      signal.removeEventListener('abort', end);
      // The abort is how the following ends.
      await sleep(FIRST_PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** @returns whether it was answered, once it has ended. */
  async #heed(stream: SotwClientStream, sinceMs: number): Promise<boolean> {
    const { tally } = this;
    for (let answers = 0; ; answers += 1) {
      const response = await stream.accept().catch(() => undefined);
      if (response === undefined) return answers > 0;
      if (answers === 0) {
        tally.streams += 1;
        tally.longestGapMs = Math.max(tally.longestGapMs, performance.now() - sinceMs);
      }
      const [secret] = secretsOf(response);
      const problem = secret === undefined ? 'no secret' : wrongIn(pemOf(secret));
      if (problem !== undefined) tally.wrongSecrets.push(problem);
    }
  }
}

/** One workload on a connection that it keeps; after a failure it builds its client anew, as Istio's agent does. */
class Agent implements Disposable {
  readonly #files: ServerFiles;
  readonly #ports: readonly number[];
  readonly #account: string;
  #at: number;
  #client: CsrWire | undefined;
  /** The newest that it got. */
  #own: { readonly chainPem: string; readonly keyPem: string } | undefined;

  constructor(files: ServerFiles, ports: readonly number[], account: string, at: number) {
    this.#files = files;
    this.#ports = ports;
    this.#account = account;
    this.#at = at;
  }

  async renew(headers: Readonly<Record<string, string>>, onSerial: (serial: string) => void): Promise<Outcome> {
    const names = [spiffe(`spiffe://cluster.local/ns/default/sa/${this.#account}`)];
    const { pem: csr, privateKeyPem: keyPem } = await buildCsr({ names });
    const client = (this.#client ??= csrClient(this.#ports[this.#at]!, this.#files.pki.root.certificatePem, this.#own));
    let timer: NodeJS.Timeout | undefined;
    const outcome = await client.call({ csr, headers }, (cancel) => (timer = setTimeout(cancel, CALL_TIMEOUT_MS)));
    clearTimeout(timer);
    const chain = outcome.response?.certChain;
    if (outcome.code !== status.OK || chain === undefined) {
      this.#at = (this.#at + 1) % this.#ports.length;
      this.reconnect();
      return outcome;
    }
    this.#own = { chainPem: chain.slice(0, -1).join(''), keyPem };
    onSerial(serialOf(chain[0] ?? ''));
    return outcome;
  }

  /** With the newest certificate that it has. */
  reconnect(): void {
    this[Symbol.dispose]();
    this.#client = undefined;
  }

  [Symbol.dispose](): void {
    this.#client?.[Symbol.dispose]();
  }
}

/** @returns what is wrong with the certificate of `default/demo`; nothing when it is as it should be. */
function wrongIn(chainPem: string): string | undefined {
  const { subjectAltName, validFromDate, validToDate } = new X509Certificate(chainPem);
  if (subjectAltName !== 'URI:spiffe://cluster.local/ns/default/sa/demo') return `it is for ${subjectAltName}`;
  const now = new Date();
  return validFromDate <= now && now < validToDate ? undefined : `it is not valid at ${now.toISOString()}`;
}
