// HTTPS to one API server, as ourselves: connections that are kept, the token and certificates as their files have them
// now, or as a program gives them. One that is not verified is never spoken to: it says who callers are.
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { ApiAccess, Material } from './access/api-access.ts';
import { ProgramCredentials, type Credentials } from './access/program-credentials.ts';

export interface ApiRequest {
  /** `GET` unless said otherwise. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From the root, with its query. */
  readonly path: string;
  readonly body?: object;
  /** Of the answer; JSON unless said otherwise. */
  readonly accept?: string;
  /** Of the body; JSON unless said otherwise. */
  readonly contentType?: string;
}

export interface ApiConnection {
  /**
   * @returns the answer once its head has come, whatever its status; who asked reads its body.
   * @throws whatever Node says when the server cannot be reached; the signal's reason when it aborts.
   */
  send(request: ApiRequest, options: { readonly signal: AbortSignal }): Promise<IncomingMessage>;
}

/** Of the TCP connection, so that the loss of a node is noticed. */
const KEEP_ALIVE_MS = 15_000;
/** How long what a file said counts. A kubelet renews tokens when a fifth of their time is left. */
const REREAD_MS = 10_000;

/** Keys of tokens are a media type of their own, application/jwk-set+json, and nothing else. */
const ANY_JSON = 'application/json, */*;q=0.5';

/** TLS as Node names its parts. */
interface Identity {
  readonly ca?: string | string[];
  readonly cert?: string;
  readonly key?: string;
}

const NOT_KNOWN = 401;

export class HttpsConnection implements ApiConnection {
  readonly #access: ApiAccess;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #program: ProgramCredentials | undefined;
  readonly #files = new Map<string, { readonly text: string; readonly readMs: number }>();
  /** Connections are kept for as long as the certificates they were made with are those of the files. */
  #agent: { readonly digest: string; readonly agent: Agent } | undefined;

  constructor(access: ApiAccess, clock: Pick<Clock, 'nowMs' | 'monotonicMs' | 'after'>) {
    this.#access = access;
    this.#clock = clock;
    this.#program = access.program && new ProgramCredentials({ program: access.program, clock });
  }

  async send(asked: ApiRequest, options: { readonly signal: AbortSignal }): Promise<IncomingMessage> {
    const shown = await this.#credentials(options);
    const response = await this.#sendAs(shown, asked, options);
    if (response.statusCode !== NOT_KNOWN || this.#program?.refused(shown) !== true) return response;
    // Whatever was asked was not done: the server did not know who asks.
    response.resume();
    return this.#sendAs(await this.#credentials(options), asked, options);
  }

  async #sendAs(
    { token, ...identity }: Credentials,
    { method = 'GET', path, body, accept = ANY_JSON, contentType = 'application/json' }: ApiRequest,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<IncomingMessage> {
    const agent = await this.#agentFor(identity);
    signal.throwIfAborted();
    const { server } = this.#access;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const asked = request(new URL(`${server.pathname.replace(/\/$/, '')}${path}`, server), {
      method,
      signal,
      agent,
      headers: {
        accept,
        'user-agent': 'capstan',
        ...(token !== undefined && { authorization: `Bearer ${token.trim()}` }),
        ...(text !== undefined && { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }),
      },
    });
    asked.once('socket', (socket) => socket.setKeepAlive(true, KEEP_ALIVE_MS));
    // What fails after the head has come fails the reading of the body.
    asked.on('error', () => undefined);
    asked.end(text);
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    return response;
  }

  async #credentials(options: { readonly signal: AbortSignal }): Promise<Credentials> {
    if (this.#program !== undefined) return this.#program.current(options);
    const { token, certificate, key } = this.#access;
    return {
      token: await this.#textOf(token),
      certificate: await this.#textOf(certificate),
      key: await this.#textOf(key),
    };
  }

  async #agentFor({ certificate, key }: Credentials): Promise<Agent> {
    const { ca, serverName, proxy } = this.#access;
    const anchors = await this.#textOf(ca);
    const identity: Identity = {
      // Empty text would be no anchors at all for Node, which then trusts the authorities of the web: a list is what it says.
      ...(anchors !== undefined && { ca: anchors.includes('-----BEGIN CERTIFICATE-----') ? anchors : [] }),
      ...(certificate !== undefined && { cert: certificate }),
      ...(key !== undefined && { key }),
    };
    const digest = hash('sha256', JSON.stringify(identity), 'hex');
    if (this.#agent?.digest !== digest) {
      const name = serverName === undefined ? {} : { servername: serverName };
      const over = proxy === undefined ? {} : { proxyEnv: { HTTPS_PROXY: proxy.href } };
      const agent = new Agent({ ...identity, ...name, ...over, keepAlive: true, rejectUnauthorized: true });
      this.#agent = { digest, agent };
    }
    return this.#agent.agent;
  }

  /** A file that cannot be read for a while leaves what it said. */
  async #textOf(material: Material | undefined): Promise<string | undefined> {
    if (material === undefined) return undefined;
    if ('text' in material) return material.text;
    const known = this.#files.get(material.file);
    const nowMs = this.#clock.monotonicMs();
    if (known !== undefined && nowMs - known.readMs < REREAD_MS) return known.text;
    try {
      const text = await readFile(material.file, 'utf8');
      this.#files.set(material.file, { text, readMs: nowMs });
      return text;
    } catch (cause) {
      if (known === undefined) throw cause;
      return known.text;
    }
  }
}
