// The HTTPS listener that the API server asks before it stores a local policy. It has the CA's own serving certificate, and
// asks callers for none: an API server shows none unless somebody configures it to. What is answered to a stranger is what the
// policy bundle gives.
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { AuthorityError } from '../../../domain/errors.ts';
import { listeningProblem } from '../../../domain/text/system-error.ts';
import type { Events } from '../../../ports/platform/events.ts';
import { boundServer, closeServer, LIMITS, type HttpSettings } from '../observation/server.ts';

export interface AdmissionParts {
  /** @returns the body of the answer; nothing for what is no question. */
  readonly answer: (body: unknown) => object | undefined;
  readonly events: Pick<Events, 'unexpected'>;
}

/** An object and what was there before, each at most what etcd takes. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
const HANDSHAKE_MS = 5_000;

export class AdmissionServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #settings: HttpSettings & { readonly reusePort: boolean };

  constructor(parts: AdmissionParts, settings: HttpSettings & { readonly reusePort: boolean }) {
    this.#settings = settings;
    this.#server = createServer({ ...LIMITS, handshakeTimeout: HANDSHAKE_MS, minVersion: 'TLSv1.2' });
    boundServer(this.#server, admissionRoutes(parts));
    // A handshake that fails is the caller's affair.
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy());
  }

  /** The certificate that connections from now on are shown. */
  setServingCertificate({ certChainPem, keyPem }: { readonly certChainPem: string; readonly keyPem: string }): void {
    this.#server.setSecureContext({ cert: certChainPem, key: keyPem, minVersion: 'TLSv1.2' });
  }

  /**
   * Resolves once connections are accepted. The signal ends only the starting.
   * @throws AuthorityError `config_invalid` (CAP-X03) naming an address that cannot be listened on.
   */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    const { host, port, reusePort } = this.#settings;
    this.#server.listen({ host, port, reusePort });
    try {
      await once(this.#server, 'listening', { signal });
    } catch (cause) {
      this.#server.close();
      signal.throwIfAborted();
      const detail = `the admission address ${host}:${port} ${listeningProblem(cause)}`;
      throw new AuthorityError('CAP-X03', { detail, cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeServer(this.#server);
  }
}

export function admissionRoutes({ answer, events }: AdmissionParts): Hono {
  const routes = new Hono();
  const limit = bodyLimit({ maxSize: MAX_BODY_BYTES, onError: (c) => c.json({ error: 'too large' }, 413) });
  routes.post('/admission', limit, async (c) => {
    const body = await c.req.json<unknown>().catch(() => undefined);
    const review = answer(body);
    return review === undefined ? c.json({ error: 'no AdmissionReview of an object' }, 400) : c.json(review);
  });
  routes.notFound((c) => c.json({ error: 'not found' }, 404));
  routes.onError((cause, c) => {
    events.unexpected({ where: 'admission', cause });
    return c.json({ error: 'internal error' }, 500);
  });
  return routes;
}
