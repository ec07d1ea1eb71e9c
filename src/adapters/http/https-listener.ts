// An HTTPS listener for who is no workload: the API server, other trust domains. It asks callers for no certificate, so
// what it answers is what a stranger may read.
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { Hono } from 'hono';
import { AuthorityError } from '../../domain/errors.ts';
import { listeningProblem } from '../../domain/text/system-error.ts';
import { boundAddress, boundServer, closeServer, LIMITS, type HttpSettings } from './observation/server.ts';

export interface HttpsSettings extends HttpSettings {
  /** What an operator calls the address. */
  readonly name: string;
  /** As many as observation takes, unless said otherwise. For one more, the source that has most makes way. */
  readonly maxConnections?: number;
  /** Longest that a request may take to come in, in ms. */
  readonly requestMs?: number;
  /** Where several processes listen on it. */
  readonly reusePort: boolean;
}

const HANDSHAKE_MS = 5_000;
const MIN_VERSION = 'TLSv1.2';

export class HttpsListener implements AsyncDisposable {
  readonly #server: Server;
  readonly #settings: HttpsSettings;

  constructor(routes: Hono, settings: HttpsSettings) {
    this.#settings = settings;
    const { requestMs = LIMITS.requestTimeout, maxConnections } = settings;
    const headersTimeout = Math.min(LIMITS.headersTimeout, requestMs);
    const limits = { ...LIMITS, headersTimeout, requestTimeout: requestMs };
    this.#server = createServer({ ...limits, handshakeTimeout: HANDSHAKE_MS, minVersion: MIN_VERSION });
    boundServer(this.#server, routes, maxConnections);
    // A handshake that fails is the caller's affair.
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy());
  }

  /** The certificate that connections from now on are shown. @throws whatever OpenSSL says of what is none. */
  setServingCertificate({ certChainPem, keyPem }: { readonly certChainPem: string; readonly keyPem: string }): void {
    this.#server.setSecureContext({ cert: certChainPem, key: keyPem, minVersion: MIN_VERSION });
  }

  /**
   * Resolves once connections are accepted. The signal ends only the starting.
   * @throws AuthorityError `config_invalid` (CAP-X03) naming an address that cannot be listened on.
   */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    const { host, port, reusePort, name } = this.#settings;
    this.#server.listen({ host, port, reusePort });
    try {
      await once(this.#server, 'listening', { signal });
    } catch (cause) {
      this.#server.close();
      signal.throwIfAborted();
      throw new AuthorityError('CAP-X03', { detail: `${name} ${host}:${port} ${listeningProblem(cause)}`, cause });
    }
  }

  address(): string {
    return boundAddress(this.#server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeServer(this.#server);
  }
}
