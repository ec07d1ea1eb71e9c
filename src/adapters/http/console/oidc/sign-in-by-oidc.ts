// Signing in at an OpenID provider: the browser is sent there and comes back. What was begun is remembered for ten minutes, once, and
// for the browser that began it: nobody can be signed in as another by a link. Tabs of one browser may each begin one.
import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { html } from 'hono/html';
import type { Clock } from '../../../../ports/platform/clock.ts';
import type { Random } from '../../../../ports/platform/random.ts';
import type { SessionCookie, SignInWay } from '../console-environment.ts';
import type { SessionHandle } from '../sessions.ts';
import { calledIn, claimedOperator, type ClaimedPeople, type Claims } from './claimed-operator.ts';
import { Denied, type Begun, type OpenIdProvider } from './openid-provider.ts';

export interface OidcParts {
  readonly provider: Pick<OpenIdProvider, 'begin' | 'finish'>;
  readonly people: ClaimedPeople;
  readonly cookie: SessionCookie;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly random: Pick<Random, 'bytes'>;
  readonly signal: AbortSignal;
}

export const CALLBACK = '/login/oidc/callback';

/** Why somebody is not signed in, in the address of the first page. */
export type NotSignedIn = 'provider-away' | 'not-begun' | 'denied' | 'bad-answer' | 'no-role';

/** At once; for one more the oldest is forgotten. */
const MAX_BEGUN = 1_000;
const WITHIN_MS = 10 * 60_000;
/** Sent when the provider leads the browser back, which a `Strict` cookie is not. */
const COOKIE = '__Host-capstan-login';
const TRAITS = { path: '/', httpOnly: true, secure: true } as const;

interface Pending {
  readonly begun: Begun;
  /** Hash of what the cookie has. */
  readonly browser: string;
  readonly startedMs: number;
  /** Who was signed in then: the way back from the provider comes without that cookie. */
  readonly former: SessionHandle | undefined;
}

export function signInByOidc(parts: OidcParts): SignInWay {
  const { provider, signal, cookie, clock, random } = parts;
  const pending = new Map<string, Pending>();
  return {
    name: 'oidc',
    open: () => true,
    addTo: (routes) => {
      routes.get('/login/oidc', async (c) => {
        try {
          const { begun, url } = await provider.begin({ signal });
          const browser = knownBrowser(c, pending) ?? Buffer.from(random.bytes(24)).toString('base64url');
          makeRoom(pending);
          const [startedMs, former] = [clock.monotonicMs(), cookie.handleOf(c)];
          pending.set(begun.state, { begun, browser: hashOf(browser), startedMs, former });
          setCookie(c, COOKIE, browser, { ...TRAITS, sameSite: 'Lax', maxAge: WITHIN_MS / 1_000 });
          return c.redirect(url, 302);
        } catch (cause) {
          cookie.notSignedIn(c, 'oidc', { outcome: 'failed', problem: 'the provider cannot be asked', cause });
          return back(c, 'provider-away');
        }
      });
      routes.get(CALLBACK, async (c) => {
        const kept = taken(c, pending, clock.monotonicMs());
        if (kept === undefined) {
          cookie.notSignedIn(c, 'oidc', { outcome: 'refused', problem: 'it was not begun in this browser' });
          return back(c, 'not-begun');
        }
        try {
          const claims = await provider.finish(new URL(c.req.url), kept.begun, { signal });
          return await enter(c, claims, kept.former, parts);
        } catch (cause) {
          return notTaken(c, cause, parts);
        }
      });
    },
  };
}

function notTaken(c: Context, cause: unknown, { cookie }: OidcParts): Response {
  if (cause instanceof Denied) {
    cookie.notSignedIn(c, 'oidc', { outcome: 'refused', problem: cause.message });
    return back(c, 'denied');
  }
  const problem = 'the answer of the provider cannot be taken';
  cookie.notSignedIn(c, 'oidc', { outcome: 'failed', problem, cause });
  return back(c, 'bad-answer');
}

function enter(
  c: Context,
  claims: Claims,
  former: SessionHandle | undefined,
  { people, cookie }: OidcParts,
): Response | Promise<Response> {
  const operator = claimedOperator(claims, people);
  const called = calledIn(claims);
  if (operator.role === 'none') {
    const { actor } = operator;
    cookie.notSignedIn(c, 'oidc', { outcome: 'refused', actor, problem: 'no claim gives a role' });
    return back(c, 'no-role');
  }
  cookie.signIn(c, 'oidc', { operator, ...(called !== undefined && { called }) }, former);
  // A page of our own leads on: what the provider's page leads to comes without our cookie, which is for this site alone.
  return c.html(
    html`<!doctype html><meta http-equiv="refresh" content="0;url=/" /><title>Capstan</title><a href="/">Go on</a>`,
  );
}

/** @returns what the cookie of the browser has, if a sign-in was begun with it: another tab's answer is to be taken too. */
function knownBrowser(c: Context, pending: ReadonlyMap<string, Pending>): string | undefined {
  const browser = getCookie(c, COOKIE);
  return browser !== undefined && isOfSome(hashOf(browser), pending) ? browser : undefined;
}

function isOfSome(browser: string, pending: ReadonlyMap<string, Pending>): boolean {
  return [...pending.values()].some((one) => one.browser === browser);
}

/** @returns what was begun, which is over then. */
function taken(c: Context, pending: Map<string, Pending>, nowMs: number): Pending | undefined {
  const state = c.req.query('state') ?? '';
  const kept = pending.get(state);
  const browser = getCookie(c, COOKIE);
  if (kept === undefined || browser === undefined || kept.browser !== hashOf(browser)) return undefined;
  pending.delete(state);
  if (!isOfSome(kept.browser, pending)) deleteCookie(c, COOKIE, TRAITS);
  return nowMs - kept.startedMs < WITHIN_MS ? kept : undefined;
}

function makeRoom(pending: Map<string, Pending>): void {
  const [oldest] = pending.size >= MAX_BEGUN ? pending.keys() : [];
  if (oldest !== undefined) pending.delete(oldest);
}

/** The first page says it, and how else to sign in. */
function back(c: Context, why: NotSignedIn): Response {
  return c.redirect(`/?not-signed-in=${why}`, 303);
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
