// HTTPS to one API server, as ourselves: connections that are kept, the token and certificates as their files have them
// now. One that is not verified is never spoken to: it says who callers are.
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import type { ApiAccess, Material } from './kubeconfig.ts';

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
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export class HttpsConnection implements ApiConnection {
  readonly #access: ApiAccess;
  readonly #files = new Map<string, { readonly text: string; readonly readMs: number }>();
  /** Connections are kept for as long as the certificates they were made with are those of the files. */
  #agent: { readonly digest: string; readonly agent: Agent } | undefined;

  constructor(access: ApiAccess) {
    this.#access = access;
  }

  async send(
    { method = 'GET', path, body, accept = ANY_JSON, contentType = 'application/json' }: ApiRequest,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<IncomingMessage> {
    const [agent, token] = [await this.#agentNow(), await this.#textOf(this.#access.token)];
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

  async #agentNow(): Promise<Agent> {
    const { ca, certificate, key, serverName } = this.#access;
    const [anchors, cert, ownKey] = [await this.#textOf(ca), await this.#textOf(certificate), await this.#textOf(key)];
    const identity: Identity = {
      ...(anchors !== undefined && { ca: anchors }),
      ...(cert !== undefined && { cert }),
      ...(ownKey !== undefined && { key: ownKey }),
    };
    const digest = hash('sha256', JSON.stringify(identity), 'hex');
    if (this.#agent?.digest !== digest) {
      const name = serverName === undefined ? {} : { servername: serverName };
      const agent = new Agent({ ...identity, ...name, keepAlive: true, rejectUnauthorized: true });
      this.#agent = { digest, agent };
    }
    return this.#agent.agent;
  }

  /** A file that cannot be read for a while leaves what it said. */
  async #textOf(material: Material | undefined): Promise<string | undefined> {
    if (material === undefined) return undefined;
    if ('text' in material) return material.text;
    const known = this.#files.get(material.file);
    const nowMs = performance.now();
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
