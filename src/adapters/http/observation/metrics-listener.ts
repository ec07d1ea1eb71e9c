// The pages about a server for who is elsewhere, over TLS: a scraper shows a bearer token or a client certificate. Who asks is
// found out here; what is asked is answered by whoever speaks for the server, which may be another process.
import { Hono, type Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { AuthorityError } from '../../../domain/errors.ts';
import type { Events, ObservationFacts } from '../../../ports/platform/events.ts';
import { certificateOn, sourceOn } from '../connection-of.ts';
import { isForbiddenMethod, METHOD_NOT_ALLOWED } from '../forbidden-method.ts';
import { HttpsListener, type HttpsSettings } from '../https-listener.ts';
import type { BearerTokens } from './bearer-tokens.ts';
import { OPEN_PAGES, type Readers, type ObservationRoutes } from './routes.ts';

/** One request, and whether who asks has shown what opens every page: data all through. */
export interface ObservationRequest {
  readonly method: string;
  readonly path: string;
  readonly mayRead: boolean;
}

export interface ObservationAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface MetricsListenerParts {
  readonly tokens: Pick<BearerTokens, 'isShownIn'>;
  /** @param der of a client certificate that the listener verified. */
  readonly isReader: (der: Uint8Array) => boolean;
  readonly answer: (request: ObservationRequest) => Promise<ObservationAnswer>;
  readonly events: Pick<Events, 'unexpected' | 'observed'>;
}

export class MetricsListener extends HttpsListener {
  constructor(parts: MetricsListenerParts, settings: HttpsSettings) {
    super(metricsRoutes(parts), settings);
  }
}

export function metricsRoutes(parts: MetricsListenerParts): Hono {
  const { answer, events } = parts;
  const routes = new Hono();
  routes.all('*', async (c) => {
    const { path, method } = c.req;
    const reader = readerOf(c, parts);
    const mayRead = reader !== 'stranger';
    const isOpen = OPEN_PAGES.includes(path);
    const refused = !mayRead && !isOpen;
    if (!isOpen) events.observed({ reader, refused, source: sourceOn(c.env) });
    if (refused) return refuse(c);
    const { status, body, headers } = await answer({ method, path, mayRead });
    return c.body(body, status as ContentfulStatusCode, { ...headers });
  });
  routes.onError((cause, c) => {
    if (cause instanceof AuthorityError) return c.json({ error: cause.message }, 503);
    events.unexpected({ where: 'metrics', cause });
    return c.json({ error: 'internal error' }, 500);
  });
  return routes;
}

/** RFC 9110 section 11.6.1. One answer for who shows nothing and who shows what is wrong: nothing is learnt by trying. */
function refuse(c: Context): Response {
  const error = 'show a bearer token of listen.metrics.tokenFile, or a client certificate that may read here';
  return c.json({ error }, 401, { 'www-authenticate': 'Bearer realm="capstan"', 'cache-control': 'no-store' });
}

function readerOf(c: Context, { tokens, isReader }: MetricsListenerParts): ObservationFacts['reader'] {
  if (tokens.isShownIn(c.req.header('authorization') ?? '')) return 'token';
  const shown = certificateOn(c.env);
  return shown !== undefined && isReader(shown.der) ? 'certificate' : 'stranger';
}

/** At the end that answers. @param routes whose readers are `RELAYED_READERS`. */
export async function answerObservation(
  routes: ObservationRoutes,
  { method, path, mayRead }: ObservationRequest,
): Promise<ObservationAnswer> {
  if (isForbiddenMethod(method)) {
    const headers = { allow: 'GET, HEAD', 'content-type': 'application/json', 'cache-control': 'no-store' };
    return { status: 405, headers, body: METHOD_NOT_ALLOWED };
  }
  const response = await routes.request(path, { method }, { mayRead });
  return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
}

/** Of requests that come through `answerObservation`: they were judged, and counted, where they came in. */
export const RELAYED_READERS: Readers = {
  mayRead: (environment) => (environment as { readonly mayRead: boolean }).mayRead,
  note: () => undefined,
};
