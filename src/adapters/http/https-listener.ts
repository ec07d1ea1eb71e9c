// An HTTPS listener for who is no workload: the API server, other trust domains, operators. It asks callers for no certificate
// unless it is told whose it takes; without one, what it answers is what a stranger may read.
import { createServer, type Server } from 'node:https';
import {
  boundAddress,
  boundServer,
  closeServer,
  LIMITS,
  listen,
  type Answering,
  type HttpSettings,
} from './observation/server.ts';

export interface HttpsSettings extends HttpSettings {
  /** What an operator calls the address. */
  readonly name: string;
  /** As many as observation takes, unless said otherwise. For one more, the source that has most makes way. */
  readonly maxConnections?: number;
  /** Longest that a request may take to come in, in ms. */
  readonly requestMs?: number;
  /** Where several processes listen on it. */
  readonly reusePort: boolean;
  /** PEM of those who may sign the certificates of callers; absent, they are asked for none. */
  readonly clientCa?: string;
  /** Who shows no certificate of theirs comes in all the same, as a stranger. */
  readonly strangers?: boolean;
}

const HANDSHAKE_MS = 5_000;
const MIN_VERSION = 'TLSv1.2';
/** Of callers who show a certificate: their names do not cross in the clear (RFC 8446, section 2). */
const MIN_VERSION_OF_CLIENTS = 'TLSv1.3';

interface ServingMaterial {
  readonly certChainPem: string;
  readonly keyPem: string;
}

export class HttpsListener implements AsyncDisposable {
  readonly #server: Server;
  readonly #settings: HttpsSettings;
  #clientCa: string | undefined;
  #serving: ServingMaterial | undefined;

  constructor(routes: Answering, settings: HttpsSettings) {
    this.#settings = settings;
    this.#clientCa = settings.clientCa;
    const { requestMs = LIMITS.requestTimeout, maxConnections } = settings;
    const headersTimeout = Math.min(LIMITS.headersTimeout, requestMs);
    const limits = { ...LIMITS, headersTimeout, requestTimeout: requestMs };
    const asking = settings.clientCa !== undefined && {
      requestCert: true,
      rejectUnauthorized: settings.strangers !== true,
    };
    const minVersion = this.#minVersion;
    this.#server = createServer({ ...limits, handshakeTimeout: HANDSHAKE_MS, minVersion, ...asking });
    boundServer(this.#server, routes, maxConnections);
    // A handshake that fails is the caller's affair.
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy());
  }

  /** The certificate that connections from now on are shown. @throws whatever OpenSSL says of what is none. */
  setServingCertificate(material: ServingMaterial): void {
    this.#apply(material, this.#clientCa);
    this.#serving = material;
  }

  /** By whom the certificates of callers are signed, for connections from now on. @throws as `setServingCertificate`. */
  setClientCa(pem: string): void {
    if (this.#serving !== undefined) this.#apply(this.#serving, pem);
    this.#clientCa = pem;
  }

  /**
   * Resolves once connections are accepted. The signal ends only the starting.
   * @throws AuthorityError `config_invalid` (CAP-X03) naming an address that cannot be listened on.
   */
  async start(options: { readonly signal: AbortSignal }): Promise<void> {
    await listen(this.#server, this.#settings, options);
  }

  address(): string {
    return boundAddress(this.#server);
  }

  get #minVersion() {
    return this.#settings.clientCa === undefined ? MIN_VERSION : MIN_VERSION_OF_CLIENTS;
  }

  #apply({ certChainPem, keyPem }: ServingMaterial, ca: string | undefined): void {
    // To Node it would mean the authorities of the web; until it is known whom to believe, no handshake succeeds.
    if (ca === '') return;
    const minVersion = this.#minVersion;
    this.#server.setSecureContext({ cert: certChainPem, key: keyPem, minVersion, ...(ca !== undefined && { ca }) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeServer(this.#server);
  }
}
