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
    const options = { method, headers, signal, agent: false, ...(caPem !== undefined && { ca: caPem }) };
    const { status, contentType, bytes } = await new Promise<Answer>((resolve, reject) => {
      const asked = request(url, options, (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        response.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > MAX_BYTES) response.destroy(new Error(`answered more than ${MAX_BYTES} bytes`));
          else chunks.push(chunk);
        });
        response.once('end', () => {
          const { statusCode = 0, headers: said } = response;
          resolve({ status: statusCode, contentType: said['content-type'] ?? '', bytes: Buffer.concat(chunks) });
        });
        response.once('error', reject);
      });
      asked.once('error', reject);
      asked.end(textOf(body));
    });
    // Of any other `Response` makes an exception of its own. Thrown here, and not where the answer ends: nobody catches it there.
    if (status < 200 || status > 599) throw new Error(`answered with status ${status}`);
    return new Response(bytes.length === 0 ? null : bytes, { status, headers: { 'content-type': contentType } });
  };
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly bytes: Buffer<ArrayBuffer>;
}

/** Bodies of requests are forms. */
function textOf(body: unknown): string | undefined {
  return body instanceof URLSearchParams || typeof body === 'string' ? String(body) : undefined;
}
