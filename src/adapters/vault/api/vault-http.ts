// HTTPS to one server that has the Vault API, which is Vault's and OpenBao's: a few connections that are kept, under one pinned
// certificate authority. No redirect is followed; every call has a bound in time and every answer one in size.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import type { Clock } from '../../../ports/platform/clock.ts';
import { answerProblem } from './answer-problem.ts';
import { VaultError } from './vault-error.ts';

/** As of a token across a network: longer than any answer of a server that is well. */
const CALL_WITHIN_MS = 2_000;
/** A key of transit with a hundred versions takes some 30 KiB, a chain of certificates fewer. */
const MAX_ANSWER_BYTES = 256 * 1024;
const MAX_SOCKETS = 16;
/** Calls that wait for a connection or an answer; one more is refused. */
const MAX_UNDER_WAY = 256;
/** What a connection fails with that its other end has closed. */
const CLOSED: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

export type Json = Readonly<Record<string, unknown>>;

export interface VaultRequest {
  readonly method: 'GET' | 'POST';
  /** Behind `/v1/`. */
  readonly path: string;
  readonly body?: Json;
  /** Of the whole call, in ms; two seconds unless said otherwise. */
  readonly withinMs?: number;
}

export interface VaultServer {
  /** Where the API is; its path, if it has one, goes before `/v1/`. */
  readonly address: string;
  /** PEM file of the only authority that its certificate may be of. */
  readonly caFile: string;
  /** Of Vault Enterprise and OpenBao. */
  readonly namespace?: string | undefined;
}

/** @throws AuthorityError CAP-X03 that names the file. */
export type ReadFile = (file: { readonly path: string; readonly confidential: boolean }) => Promise<string>;

export interface VaultHttpParts {
  readonly clock: Pick<Clock, 'after'>;
  readonly readFile: ReadFile;
}

export class VaultHttp {
  readonly #server: VaultServer;
  readonly #parts: VaultHttpParts;
  #pinned: { readonly caPem: string; readonly agent: Agent } | undefined;
  /** Whether the file may say something else by now. */
  #readAgain = false;
  #underWay = 0;

  constructor(server: VaultServer, parts: VaultHttpParts) {
    this.#server = server;
    this.#parts = parts;
  }

  /**
   * @param token of who asks; absent for a login.
   * @returns the object that was answered, empty where there was none.
   * @throws VaultError, the signal's reason.
   */
  async send(
    asked: VaultRequest,
    { token, signal }: { readonly token?: string; readonly signal: AbortSignal },
  ): Promise<Json> {
    signal.throwIfAborted();
    if (this.#underWay >= MAX_UNDER_WAY)
      throw new VaultError('busy', `is not asked: ${MAX_UNDER_WAY} calls wait already`);
    this.#underWay += 1;
    const { withinMs = CALL_WITHIN_MS } = asked;
    const late = new AbortController();
    const cancel = this.#parts.clock.after(withinMs, () => late.abort());
    try {
      return await this.#exchange(asked, token, AbortSignal.any([signal, late.signal]));
    } catch (error) {
      signal.throwIfAborted();
      if (late.signal.aborted) throw new VaultError('away', `did not answer within ${withinMs / 1000} s`);
      throw error instanceof VaultError ? error : this.#unreachable(error);
    } finally {
      cancel();
      this.#underWay -= 1;
    }
  }

  /** Nothing is asked any more. */
  close(): void {
    this.#pinned?.agent.destroy();
    this.#pinned = undefined;
  }

  async #exchange(asked: VaultRequest, token: string | undefined, signal: AbortSignal): Promise<Json> {
    const agent = await this.#agent();
    const answer = await this.#answer(asked, { token, signal, agent });
    const body = await bodyOf(answer);
    const problem = answerProblem(answer, body, { ...asked, token });
    if (problem !== undefined) throw problem;
    return (body ?? {}) as Json;
  }

  /** Once more where a kept connection was closed as it was used: the server has not seen the call. */
  async #answer(asked: VaultRequest, how: Sending): Promise<IncomingMessage> {
    const first = this.#start(asked, how);
    try {
      return await answerTo(first);
    } catch (error) {
      const closed = first.reusedSocket && CLOSED.has((error as { readonly code?: string }).code ?? '');
      if (!closed) throw error;
      return answerTo(this.#start(asked, how));
    }
  }

  #start({ method, path, body }: VaultRequest, { token, signal, agent }: Sending): ReturnType<typeof request> {
    const { address, namespace } = this.#server;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'capstan',
      // What Vault's own clients send, so that no forged request of a browser is taken for one.
      'x-vault-request': 'true',
      ...(token !== undefined && { 'x-vault-token': token }),
      ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
      ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    };
    const asked = request(`${address.replace(/\/+$/, '')}/v1/${path}`, { method, headers, agent, signal });
    asked.end(text);
    return asked;
  }

  async #agent(): Promise<Agent> {
    if (this.#pinned !== undefined && !this.#readAgain) return this.#pinned.agent;
    const { caFile } = this.#server;
    const caPem = await this.#parts.readFile({ path: caFile, confidential: false });
    // Without any Node would trust the authorities of the web.
    if (!caPem.includes('-----BEGIN CERTIFICATE-----'))
      throw new VaultError('configuration', `is not asked: ${caFile} has no certificate`);
    this.#readAgain = false;
    if (this.#pinned?.caPem !== caPem) {
      this.#pinned?.agent.destroy();
      const agent = new Agent({ ca: caPem, keepAlive: true, maxSockets: MAX_SOCKETS, rejectUnauthorized: true });
      this.#pinned = { caPem, agent };
    }
    return this.#pinned.agent;
  }

  #unreachable(error: unknown): VaultError {
    this.#readAgain = true;
    const { code, message } = error as { readonly code?: string; readonly message: string };
    return new VaultError('away', `cannot be reached, or not as the CA file demands (${code ?? message})`);
  }
}

interface Sending {
  readonly token: string | undefined;
  readonly signal: AbortSignal;
  readonly agent: Agent;
}

async function answerTo(asked: ReturnType<typeof request>): Promise<IncomingMessage> {
  // What fails after the head has come fails the reading of the body.
  asked.on('error', () => undefined);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return answer;
}

/** @returns what is JSON, and nothing for what is not. */
async function bodyOf(answer: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) {
      answer.destroy();
      throw new VaultError('away', `answered more than ${MAX_ANSWER_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined;
  }
}
