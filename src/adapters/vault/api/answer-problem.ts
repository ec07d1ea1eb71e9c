// What an answer of the Vault API says beside what was asked for (HTTP API, status codes: the same for Vault and OpenBao).
import type { IncomingMessage } from 'node:http';
import { VaultError, type VaultErrorKind } from './vault-error.ts';

/** Of what a server says of an error. */
const MAX_QUOTED = 200;

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
  readonly token: string | undefined;
}

/**
 * @param body as JSON; nothing where it is none.
 * @param asked what it answers. A server's words are not quoted where they may have what it was handed: a credential, or the token.
 */
export function answerProblem(
  { statusCode = 0, headers }: Pick<IncomingMessage, 'statusCode' | 'headers'>,
  body: unknown,
  { method, path, body: sent, token }: Asked,
): VaultError | undefined {
  const call = `${method} ${path}`;
  const failed = (kind: VaultErrorKind, words: string): VaultError => new VaultError(kind, words);
  if (statusCode >= 300 && statusCode < 400)
    return failed(
      'away',
      `answered with a redirect (${statusCode}), which is not followed: name the server that has it`,
    );
  if (statusCode === 204) return undefined;
  const type = (headers['content-type'] ?? 'no content type').split(';', 1)[0] ?? '';
  if (type !== 'application/json' || typeof body !== 'object' || body === null || Array.isArray(body))
    return failed(
      'away',
      `answered ${statusCode} with ${quoted(type)} that is no JSON object: is the Vault API there?`,
    );
  if (statusCode >= 200 && statusCode < 300) return undefined;
  const words = path.startsWith('auth/') && sent !== undefined ? '' : wordsOf(body, token);
  switch (statusCode) {
    case 400:
      return failed('refused', `refuses ${call} (400${words})`);
    case 403:
      return failed('denied', `denies ${call} (403): let a policy of its token allow it`);
    case 404:
      return failed('missing', `has nothing for ${call} (404${words})`);
    case 503:
      return failed('away', 'is sealed, or down for maintenance (503)');
    default:
      return failed('away', `failed at ${call} (${statusCode}${words})`);
  }
}

function wordsOf(body: object, token: string | undefined): string {
  const { errors } = body as { readonly errors?: unknown };
  if (!Array.isArray(errors)) return '';
  const words = errors.filter((one) => typeof one === 'string').join('; ');
  const unfit = words === '' || (token !== undefined && words.includes(token));
  return unfit ? '' : `: ${quoted(words)}`;
}

/** One line that fits into one. */
function quoted(text: string): string {
  return text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, MAX_QUOTED);
}
