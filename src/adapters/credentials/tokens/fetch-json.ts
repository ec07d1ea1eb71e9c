// One small JSON document over HTTPS: the whole of what token issuers are asked for. No redirects,
// no caches, no cookies; bounded in size and time.
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { AuthorityError } from '../../../domain/errors.ts';
import { readJson } from './key-set.ts';

/** A set of a hundred RSA 4096 keys takes about 80 KiB. */
const MAX_BYTES = 256 * 1024;

/**
 * @param caPem anchors for the server's certificate; the system's when absent.
 * @throws Error saying what went wrong, in words for the operator.
 */
export async function fetchJson(
  url: URL,
  { signal, caPem }: { readonly signal: AbortSignal; readonly caPem?: string | undefined },
): Promise<unknown> {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  const text = await new Promise<string>((resolve, reject) => {
    const options = { signal, agent: false, headers: { accept: 'application/json' }, ...(caPem && { ca: caPem }) };
    const asked = request(url, options, (response) => {
      if (response.statusCode !== 200) {
        response.destroy(new Error(`answered with status ${response.statusCode ?? 0}, wanted 200`));
      }
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > MAX_BYTES) response.destroy(new Error(`answered more than ${MAX_BYTES} bytes`));
        else chunks.push(chunk);
      });
      response.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
      response.once('error', reject);
    });
    asked.once('error', reject);
    asked.end();
  });
  try {
    return readJson(text);
  } catch {
    throw new Error('answered with what is not JSON');
  }
}

/**
 * @param field names the setting, for the message.
 * @throws AuthorityError CAP-X03 unless it is an https URL, or an http one of this very machine.
 */
export function fetchableUrl(text: string, field: string): URL {
  const url = URL.parse(text);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.has(url.hostname))) return url;
  throw new AuthorityError('CAP-X03', {
    detail: `${field} is not an https URL (http is for loopback addresses alone)`,
  });
}

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);
