// A load of plain requests that counts every attempt and tries none twice. Each worker has one
// request under way at a time and keeps to its pace when the machine can follow.
import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { connect, type ClientHttp2Session } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';

/** An attempt that takes longer has failed. What lacks a certificate fails at once; the rest is for the machine. */
const ATTEMPT_MS = 30_000;
/** Most descriptions of failures kept; all are counted. */
const MAX_DESCRIPTIONS = 20;

/** How a worker reaches the plain port: kept connections or a new one for each request. */
export type Manner = 'h1-kept' | 'h1-fresh' | 'h2-kept' | 'h2-fresh';

export interface LoadSettings {
  readonly port: number;
  readonly path?: string;
  /** Of all workers together. */
  readonly requestsPerSecond: number;
  /** One worker per entry. */
  readonly manners: readonly Manner[];
}

export interface Tally {
  readonly attempts: number;
  readonly failures: number;
  /** The first few failures, in words. */
  readonly descriptions: readonly string[];
  readonly seconds: number;
}

export class Load implements AsyncDisposable {
  readonly #settings: LoadSettings;
  readonly #stop = new AbortController();
  readonly #startMs = performance.now();
  readonly #workers: Promise<void>;
  #attempts = 0;
  #failures = 0;
  readonly #descriptions: string[] = [];

  /** Begins at once. */
  constructor(settings: LoadSettings) {
    this.#settings = settings;
    this.#workers = Promise.all(settings.manners.map(async (manner) => this.#work(manner))).then(() => undefined);
  }

  get tally(): Tally {
    const seconds = (performance.now() - this.#startMs) / 1000;
    return { attempts: this.#attempts, failures: this.#failures, descriptions: this.#descriptions, seconds };
  }

  /** Lets requests under way end, then counts. */
  async stop(): Promise<Tally> {
    this.#stop.abort();
    await this.#workers;
    return this.tally;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #work(manner: Manner): Promise<void> {
    const { port, path = '/', requestsPerSecond, manners } = this.#settings;
    const paceMs = (1000 * manners.length) / requestsPerSecond;
    using client = CLIENTS[manner](port);
    for (let dueMs = performance.now(); !this.#stop.signal.aborted; dueMs += paceMs) {
      const waitMs = dueMs - performance.now();
      if (waitMs > 1) await sleep(waitMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      await this.#attempt(manner, async () => client.get(path));
    }
  }

  async #attempt(manner: Manner, get: () => Promise<number>): Promise<void> {
    this.#attempts += 1;
    const outcome = await get().catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
    if (outcome === 200) return;
    this.#failures += 1;
    const description = `${new Date().toISOString()} ${manner} attempt ${this.#attempts}: ${outcome}`;
    if (this.#descriptions.length < MAX_DESCRIPTIONS) this.#descriptions.push(description);
  }
}

interface Client extends Disposable {
  /** @returns the status, after the whole body. */
  readonly get: (path: string) => Promise<number>;
}

const CLIENTS: Readonly<Record<Manner, (port: number) => Client>> = {
  'h1-kept': (port) => http1(port, new Agent({ keepAlive: true, maxSockets: 1 })),
  'h1-fresh': (port) => http1(port, new Agent({ keepAlive: false })),
  'h2-kept': (port) => {
    let session: ClientHttp2Session | undefined;
    const get = async (path: string): Promise<number> => {
      if (session === undefined || session.closed) session = http2(port);
      return getOver(session, path);
    };
    return { get, [Symbol.dispose]: () => session?.destroy() };
  },
  'h2-fresh': (port) => {
    const get = async (path: string): Promise<number> => {
      const session = http2(port);
      return getOver(session, path).finally(() => session.destroy());
    };
    return { get, [Symbol.dispose]: () => undefined };
  },
};

function http1(port: number, agent: Agent): Client {
  const get = async (path: string): Promise<number> => {
    const call: ClientRequest = request({
      host: '127.0.0.1',
      port,
      path,
      agent,
      signal: AbortSignal.timeout(ATTEMPT_MS),
    });
    call.end();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    return response.statusCode ?? 0;
  };
  return { get, [Symbol.dispose]: () => agent.destroy() };
}

function http2(port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined); // told by the request that it ends
  return session;
}

async function getOver(session: ClientHttp2Session, path: string): Promise<number> {
  const stream = session.request({ ':path': path }, { signal: AbortSignal.timeout(ATTEMPT_MS) });
  const [headers] = (await once(stream, 'response')) as [{ readonly ':status'?: number }];
  stream.resume();
  await once(stream, 'end');
  return headers[':status'] ?? 0;
}
