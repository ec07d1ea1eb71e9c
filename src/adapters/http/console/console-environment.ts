// What every part of the console's routes has to go by: the session of who asks, and the cookie that it is told by.
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Context, Hono } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { sourceOf } from '../../../domain/identity/source.ts';
import type { Session, Sessions, SignedIn } from './sessions.ts';

export type ConsoleRoutes = Hono;

/** A way to sign in: it adds what it needs under `/login`. */
export interface SignInWay {
  /** As the page knows it. */
  readonly name: 'link' | 'certificate' | 'oidc';
  /** Whether it can be taken now. */
  readonly open: (c: Context) => boolean;
  readonly addTo: (routes: ConsoleRoutes) => void;
}

export type Scheme = 'http' | 'https';

/** What a page says of a request that it makes by itself; that keeps nobody signed in. */
const AUTOMATIC = 'capstan-refresh';

/** Browsers take the first only over TLS, for this host and path alone (RFC 6265bis, 4.1.3.2). */
const COOKIES: Readonly<Record<Scheme, string>> = { https: '__Host-capstan', http: 'capstan' };

/** The session behind requests, for one scheme. */
export class SessionCookie {
  readonly #sessions: Sessions;
  readonly #scheme: Scheme;

  constructor(sessions: Sessions, scheme: Scheme) {
    this.#sessions = sessions;
    this.#scheme = scheme;
  }

  sessionOf(c: Context, automatic = c.req.header(AUTOMATIC) !== undefined): Session | undefined {
    const id = getCookie(c, this.#name);
    const certificate = certificateOf(c)?.sha256;
    return id === undefined
      ? undefined
      : this.#sessions.find(id, { automatic, ...(certificate !== undefined && { certificate }) });
  }

  signIn(c: Context, signedIn: SignedIn): void {
    this.#end(c);
    const id = this.#sessions.open(signedIn);
    setCookie(c, this.#name, id, { ...this.#traits, sameSite: 'Strict' });
  }

  signOut(c: Context): void {
    this.#end(c);
    deleteCookie(c, this.#name, this.#traits);
  }

  get #name(): string {
    return COOKIES[this.#scheme];
  }

  get #traits() {
    return { path: '/', httpOnly: true, secure: this.#scheme === 'https' };
  }

  #end(c: Context): void {
    const former = getCookie(c, this.#name);
    if (former !== undefined) this.#sessions.close(former);
  }
}

/** What the connection of a request shows and was verified. */
export function certificateOf(c: Context): { readonly der: Uint8Array; readonly sha256: string } | undefined {
  const { socket } = incomingOf(c);
  const leaf = socket instanceof TLSSocket && socket.authorized ? socket.getPeerX509Certificate() : undefined;
  return leaf && { der: leaf.raw, sha256: leaf.fingerprint256 };
}

/** Where a request comes from, as `sourceOf` spells it. */
export function requestSourceOf(c: Context): string {
  const { socket } = incomingOf(c);
  return sourceOf(`${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? ''}`);
}

/** As @hono/node-server hands it to each request. */
function incomingOf(c: Context): IncomingMessage {
  return (c.env as { readonly incoming: IncomingMessage }).incoming;
}
