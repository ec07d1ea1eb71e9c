// How the console asks an OpenID provider: as `fetch`, with certificate authorities of its own, no redirect, and bounds in size and time.
import { request } from 'node:https';

/** Of one answer: metadata, a set of keys, tokens. */
const MAX_BYTES = 512 * 1024;
const WITHIN_MS = 10_000;

export type ProviderFetch = (url: string, init: FetchInit) => Promise<Response>;

export interface FetchInit {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** @param caPem of whom to believe; absent, the authorities of the web. */
export function providerFetch(caPem: string | undefined): ProviderFetch {
  return async (url, { method, headers, body, signal: given }) => {
    const within = AbortSignal.timeout(WITHIN_MS);
    const signal = given === undefined ? within : AbortSignal.any([given, within]);
    return new Promise<Response>((resolve, reject) => {
      const options = { method, headers, signal, agent: false, ...(caPem !== undefined && { ca: caPem }) };
      const asked = request(url, options, (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > MAX_BYTES) response.destroy(new Error(`answered more than ${MAX_BYTES} bytes`));
          else chunks.push(chunk);
        });
        response.once('end', () => {
          const status = response.statusCode ?? 0;
          const contentType = response.headers['content-type'] ?? '';
          resolve(new Response(Buffer.concat(chunks), { status, headers: { 'content-type': contentType } }));
        });
        response.once('error', reject);
      });
      asked.once('error', reject);
      asked.end(textOf(body));
    });
  };
}

/** Bodies of requests are forms. */
function textOf(body: unknown): string | undefined {
  return body instanceof URLSearchParams || typeof body === 'string' ? String(body) : undefined;
}
