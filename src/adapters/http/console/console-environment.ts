// What every part of the console's routes has to go by: the session of who asks, and the cookie that it is told by.
import type { Context, Hono } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { Events, SignInWay as WayName } from '../../../ports/platform/events.ts';
import { certificateOn, sourceOn } from '../connection-of.ts';
import type { Session, SessionHandle, Sessions, SignedIn } from './sessions.ts';

export type ConsoleRoutes = Hono;

/** A way to sign in: it adds what it needs under `/login`. */
export interface SignInWay {
  /** As the page knows it. */
  readonly name: WayName;
  /** Whether it can be taken now. */
  readonly open: (c: Context) => boolean;
  readonly addTo: (routes: ConsoleRoutes) => void;
}

export type Scheme = 'http' | 'https';

/** What a page says of a request that it makes by itself; that keeps nobody signed in. */
const AUTOMATIC = 'capstan-refresh';

/** Browsers take it only over TLS, and send it to this host alone (RFC 6265bis, 4.1.3.2). */
const SECURE_NAME = '__Host-capstan';

/** What came of an attempt that signed nobody in. */
export interface Unsuccessful {
  readonly outcome: 'refused' | 'failed';
  readonly actor?: string;
  readonly problem: string;
  readonly cause?: unknown;
}

/** The session behind requests, for one scheme. */
export class SessionCookie {
  readonly #sessions: Sessions;
  readonly #events: Pick<Events, 'signIn'>;
  readonly #scheme: Scheme;

  constructor(parts: { readonly sessions: Sessions; readonly events: Pick<Events, 'signIn'> }, scheme: Scheme) {
    this.#sessions = parts.sessions;
    this.#events = parts.events;
    this.#scheme = scheme;
  }

  sessionOf(c: Context, automatic = c.req.header(AUTOMATIC) !== undefined): Session | undefined {
    const id = getCookie(c, this.#nameFor(c));
    const certificate = certificateOn(c.env)?.sha256;
    return id === undefined
      ? undefined
      : this.#sessions.find(id, { automatic, ...(certificate !== undefined && { certificate }) });
  }

  /** @returns the session that the request comes with, for `signIn` to end where its request will come without it. */
  handleOf(c: Context): SessionHandle | undefined {
    const id = getCookie(c, this.#nameFor(c));
    return id === undefined ? undefined : this.#sessions.handleOf(id);
  }

  /** Ends the former session of the browser. @param former where the request itself does not say it. */
  signIn(c: Context, way: WayName, signedIn: SignedIn, former = this.handleOf(c)): void {
    if (former !== undefined) this.#sessions.end(former);
    const { actor, role } = signedIn.operator;
    this.#events.signIn({ way, outcome: 'signed_in', actor, role, source: sourceOn(c.env) });
    const id = this.#sessions.open(signedIn);
    setCookie(c, this.#nameFor(c), id, { ...this.#traits, sameSite: 'Strict' });
  }

  /** Says that nobody was signed in, and why. */
  notSignedIn(c: Context, way: WayName, why: Unsuccessful): void {
    this.#events.signIn({ way, source: sourceOn(c.env), ...why });
  }

  signOut(c: Context): void {
    const former = this.handleOf(c);
    if (former !== undefined) this.#sessions.end(former);
    deleteCookie(c, this.#nameFor(c), this.#traits);
  }

  /** Browsers send cookies to every port of a host: two servers of one machine do not sign each other out. */
  #nameFor(c: Context): string {
    return this.#scheme === 'https' ? SECURE_NAME : `capstan-${new URL(c.req.url).port}`;
  }

  get #traits() {
    return { path: '/', httpOnly: true, secure: this.#scheme === 'https' };
  }
}
