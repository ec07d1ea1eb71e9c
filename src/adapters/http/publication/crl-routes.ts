// The revocation lists of the issuers over HTTP (RFC 5280 section 4.2.1.13, RFC 2585 section 4): whoever asks gets them. They are
// signed, so that nothing is gained by TLS, for which a reader might need a list first.
import { Hono } from 'hono';
import { AuthorityError } from '../../../domain/errors.ts';
import type { Events } from '../../../ports/platform/events.ts';

export interface ServedCrl {
  readonly der: Uint8Array;
  /** Hex SHA-256. */
  readonly sha256: string;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
}

export interface CrlRoutesParts {
  /** @returns the list of an issuer by its id, while it is valid. */
  readonly crl: (issuer: string) => ServedCrl | undefined;
  /** @returns PEM of the lists of every CA in every chain; nothing where one of them is missing. */
  readonly chains: () => string | undefined;
  readonly nowMs: () => number;
  readonly events: Pick<Events, 'unexpected'>;
}

/** RFC 2585 section 4.2. */
const CONTENT_TYPE = 'application/pkix-crl';
/** Of several lists, as text. */
const PEM_TYPE = 'application/x-pem-file';
/** A ban is known to who comes again within this time. */
const MAX_AGE_SECONDS = 60;

export function crlRoutes({ crl, chains, nowMs, events }: CrlRoutesParts): Hono {
  const routes = new Hono();
  // Whole or not at all: who looks for a list of every certificate in a chain refuses all when one is missing.
  routes.get('/crl/ca-crl.pem', (c) => {
    const pem = chains();
    if (pem === undefined)
      return c.json({ error: 'the lists of whole chains are not complete: /readyz says why' }, 404);
    c.header('cache-control', `public, max-age=${MAX_AGE_SECONDS}`);
    return c.body(pem, 200, { 'content-type': PEM_TYPE });
  });
  routes.get('/crl/:file{[0-9a-f]{16}\\.crl}', (c) => {
    const found = crl(c.req.param('file').slice(0, -'.crl'.length));
    if (found === undefined) return c.json({ error: 'there is no current CRL of that issuer' }, 404);
    const etag = `"${found.sha256}"`;
    const leftSeconds = Math.max(0, Math.floor((found.nextUpdateMs - nowMs()) / 1_000));
    c.header('etag', etag);
    c.header('cache-control', `public, max-age=${Math.min(MAX_AGE_SECONDS, leftSeconds)}`);
    c.header('last-modified', new Date(found.thisUpdateMs).toUTCString());
    if (namesTag(c.req.header('if-none-match'), etag)) return c.body(null, 304);
    return c.body(Buffer.from(found.der), 200, { 'content-type': CONTENT_TYPE });
  });
  routes.notFound((c) => c.json({ error: 'a CRL is at /crl/<issuer id>.crl, all of them at /crl/ca-crl.pem' }, 404));
  routes.onError((cause, c) => {
    if (cause instanceof AuthorityError) return c.json({ error: cause.message }, 503);
    events.unexpected({ where: 'revocation lists', cause });
    return c.json({ error: 'internal error' }, 500);
  });
  return routes;
}

/** RFC 9110 section 13.1.2: a list of tags, each of which may be weak, or any. */
function namesTag(header: string | undefined, etag: string): boolean {
  return (header ?? '').split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
}
