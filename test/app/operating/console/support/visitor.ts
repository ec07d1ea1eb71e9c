// A browser as far as the console can tell: it keeps the cookie, says where its requests come from, and may show a certificate.
import { request as requestPlain, type Agent as PlainAgent, type IncomingMessage } from 'node:http';
import { request as requestOverTls } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { json } from 'node:stream/consumers';

export interface Visit {
  readonly status: number;
  readonly body: unknown;
}

export interface VisitorSettings {
  /** Of whom to believe. */
  readonly ca?: string;
  /** What it shows in the handshake. */
  readonly shown?: { readonly cert: string; readonly key: string };
  readonly agent?: PlainAgent;
}

export class Visitor {
  readonly #base: URL;
  readonly #settings: VisitorSettings;
  #cookie: string | undefined;

  constructor(base: string, settings: VisitorSettings = {}) {
    this.#base = new URL(base);
    this.#settings = settings;
  }

  async get(path: string): Promise<Visit> {
    return visitOf(await this.ask('GET', path));
  }

  async post(path: string, body: unknown): Promise<Visit> {
    return visitOf(await this.ask('POST', path, body));
  }

  /** @returns the answer as it begins: its body is the caller's to read or to end. */
  async ask(method: string, path: string, body?: unknown): Promise<IncomingMessage> {
    const { ca, shown, agent = false } = this.#settings;
    const isTls = this.#base.protocol === 'https:';
    const headers = {
      origin: this.#base.origin,
      'content-type': 'application/json',
      ...(this.#cookie !== undefined && { cookie: this.#cookie }),
    };
    const options = { method, headers, agent, ...(ca !== undefined && { ca }), ...shown };
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = (isTls ? requestOverTls : requestPlain)(new URL(path, this.#base), options, resolve);
      asked.once('error', reject);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
    const [set] = answer.headers['set-cookie'] ?? [];
    if (set !== undefined) this.#cookie = set.split(';')[0];
    return answer;
  }

  /** @returns SHA-256 of the certificate that the console shows. */
  async shownCertificate(): Promise<string> {
    const answer = await this.ask('GET', '/api/session');
    const { fingerprint256 } = (answer.socket as unknown as Pick<TLSSocket, 'getPeerCertificate'>).getPeerCertificate();
    answer.destroy();
    return fingerprint256;
  }
}

async function visitOf(answer: IncomingMessage): Promise<Visit> {
  return { status: answer.statusCode ?? 0, body: await json(answer) };
}
