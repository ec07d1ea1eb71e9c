// The console as browsers see it: its pages, who is signed in, and what the pages ask of the server. All of it only reads: what is
// asked goes to the administration as GET, with the role of who is signed in, and nothing else does.
import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { accepts } from 'hono/accepts';
import { compress } from 'hono/compress';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { AuthorityError } from '../../../domain/errors.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { OperatorsParts } from '../admin/operators-listener.ts';
import { boundedBody } from '../bounded-body.ts';
import { sourceOn } from '../connection-of.ts';
import { FIRST_PAGE, type BuiltPages } from './built-pages.ts';
import { type ConsoleRoutes, type Scheme, type SessionCookie, type SignInWay } from './console-environment.ts';
import type { LiveUpdates } from './live-updates.ts';
import { isFromOwnPage, isOfTab, isOwnHost, type FetchMetadata } from './own-page.ts';

export interface ConsoleParts {
  readonly pages: () => BuiltPages;
  readonly cookie: SessionCookie;
  readonly live: LiveUpdates;
  readonly ways: readonly SignInWay[];
  /** Asks the server in the name of who is signed in. */
  readonly answer: OperatorsParts['answer'];
  /** Whether a source has tried to sign in too often lately. */
  readonly tooManySignIns: (source: string) => boolean;
  readonly events: Pick<Events, 'unexpected'>;
}

export interface ConsoleSettings {
  readonly scheme: Scheme;
  /** Names of hosts by which it is reached, lower case. */
  readonly hosts: ReadonlySet<string>;
}

/** What pages may ask, as the administration spells it. */
const READABLE: readonly RegExp[] = [
  /^\/overview$/,
  /^\/inventory(\/identity|\/coverage|\/ends)?$/,
  /^\/issuers(\/[^/]+)?$/,
  /^\/pending-acts$/,
  /^\/refusals$/,
  /^\/operations$/,
  /^\/policies$/,
  /^\/anchors\/rotation$/,
  /^\/rogue$/,
];
/** Paths of pages: those that the first page shows by itself. */
const PAGE = /^\/[a-z-]*$/;
const MAX_BODY_BYTES = 4 * 1024;
const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;
/** RFC 6797, for a year: of this name alone, as others below it may be of somebody else. */
const OVER_TLS = { 'strict-transport-security': 'max-age=31536000' } as const;

export function consoleRoutes(parts: ConsoleParts, settings: ConsoleSettings): ConsoleRoutes {
  const routes = new Hono();
  routes.use(securityHeaders(settings), ownHost(settings), ownPage(settings));
  routes.use(boundedBody(MAX_BODY_BYTES));
  routes.use('/login/*', async (c: Context, next) => {
    // Pages of others can have a browser ask this, and use up the attempts of all behind its address.
    if (c.req.method === 'GET' && !isOfTab(fetchMetadataOf(c)))
      return c.json({ error: 'this is for a tab to go to' }, 403);
    if (parts.tooManySignIns(sourceOn(c.env))) return c.json({ error: 'too many attempts: wait a minute' }, 429);
    return next();
  });
  for (const way of parts.ways) way.addTo(routes);
  routes.post('/logout', (c) => {
    parts.cookie.signOut(c);
    return c.json({});
  });
  addApi(routes, parts);
  routes.get('*', (c) => pageAt(c, parts.pages()));
  routes.all('*', (c) => c.json({ error: 'not found' }, 404));
  routes.onError((cause, c) => {
    if (cause instanceof AuthorityError) return c.json({ error: cause.message }, 503);
    parts.events.unexpected({ where: 'console', cause });
    return c.json({ error: 'internal error' }, 500);
  });
  return routes;
}

function addApi(routes: ConsoleRoutes, { cookie, live, ways, answer }: ConsoleParts): void {
  routes.get('/api/session', (c) => {
    const session = cookie.sessionOf(c);
    if (session === undefined) return c.json({ ways: ways.filter(({ open }) => open(c)).map(({ name }) => name) }, 401);
    const { operator, endsMs, called = operator.actor } = session;
    const { actor, role, namespaces } = operator;
    return c.json({ actor, called, role, endsMs, ...(namespaces !== undefined && { namespaces }) });
  });
  routes.get('/api/live', (c) => {
    const session = cookie.sessionOf(c, true);
    if (session === undefined) return c.json(NOT_SIGNED_IN, 401);
    const stream = live.follow(session.operator.actor, () => cookie.sessionOf(c, true) !== undefined);
    if (stream === undefined) return c.json({ error: 'too many pages follow already' }, 503);
    return c.body(stream, 200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
  });
  // A page that is open asks for the same hundred rows every few seconds, which compressed are a tenth. No answer holds a secret whose
  // length somebody could guess at by what he has us put beside it (BREACH): sessions are in cookies alone.
  routes.get('/api/*', compress({ encoding: GZIP }), async (c) => {
    const session = cookie.sessionOf(c);
    if (session === undefined) return c.json(NOT_SIGNED_IN, 401);
    const { pathname, search } = new URL(c.req.url);
    const path = pathname.slice('/api'.length);
    if (!READABLE.some((one) => one.test(path))) return c.json({ error: 'the console does not ask this' }, 404);
    const asked = { method: 'GET', target: path + search, body: '', operator: session.operator };
    const { status, body } = await answer(asked);
    const length = String(Buffer.byteLength(body));
    return c.body(body, status as ContentfulStatusCode, {
      'content-type': 'application/json',
      'content-length': length,
    });
  });
}

const NOT_SIGNED_IN = { error: 'nobody is signed in' } as const;

function securityHeaders({ scheme }: ConsoleSettings): MiddlewareHandler {
  const headers = Object.entries({ ...SECURITY_HEADERS, ...(scheme === 'https' && OVER_TLS) });
  return async (c, next) => {
    await next();
    for (const [name, value] of headers) c.header(name, value);
    if (c.res.headers.get('cache-control') === null) c.header('cache-control', 'no-store');
  };
}

function fetchMetadataOf(c: Context): FetchMetadata {
  const [mode, dest, purpose] = ['sec-fetch-mode', 'sec-fetch-dest', 'sec-purpose'].map((name) => c.req.header(name));
  return { mode, dest, purpose };
}

/** RFC 9110, 15.5.20. */
function ownHost({ hosts }: ConsoleSettings): MiddlewareHandler {
  return async (c, next) => {
    if (isOwnHost({ host: c.req.header('host') }, hosts)) return next();
    return c.json({ error: 'the console is not reached by this name: see listen.console in the configuration' }, 421);
  };
}

function ownPage({ scheme }: ConsoleSettings): MiddlewareHandler {
  return async (c, next) => {
    if (c.req.method === 'GET' || c.req.method === 'HEAD') return next();
    const [host, origin, site] = ['host', 'origin', 'sec-fetch-site'].map((name) => c.req.header(name));
    if (isFromOwnPage({ host, origin, site }, scheme)) return next();
    return c.json({ error: 'the request does not come from a page of the console' }, 403);
  };
}

const GZIP = 'gzip';

/** The name of a file changes with what is in it. */
const FOREVER = 'public, max-age=31536000, immutable';

function pageAt(c: Context, pages: BuiltPages): Response {
  const path = new URL(c.req.url).pathname;
  const page = pages.get(PAGE.test(path) ? FIRST_PAGE : path);
  if (pages.size === 0) return c.text('The pages of the console are not built here: npm run console\n', 503);
  if (page === undefined) return c.json({ error: 'not found' }, 404);
  const zipped = accepts(c, { header: 'Accept-Encoding', supports: [GZIP], default: '' }) === GZIP;
  c.header('content-type', page.contentType);
  c.header('vary', 'Accept-Encoding');
  if (path.startsWith('/assets/')) c.header('cache-control', FOREVER);
  if (zipped) c.header('content-encoding', GZIP);
  return c.body(zipped ? page.gzip : page.body);
}
