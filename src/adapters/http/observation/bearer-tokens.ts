// The bearer tokens (RFC 6750) that open the pages about a server: several at once, so that one can follow another without a gap.
import { createHash, timingSafeEqual } from 'node:crypto';

/** So long that nobody guesses one: `openssl rand -base64 32` gives 44. */
const MIN_CHARACTERS = 32;
const MAX_CHARACTERS = 4_096;
const MAX_TOKENS = 20;
/** RFC 6750 section 2.1: b64token. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;
const BEARER = /^Bearer +(\S+) *$/i;

export class BearerTokens {
  /** SHA-256: of one length, so that no comparison tells how long a token is. */
  #digests: readonly Buffer[] = [];

  /** @param text one token a line; empty lines count for nothing. @returns what is wrong, in which case those of before stay. */
  replace(text: string): string | undefined {
    const tokens = text.split(/\r?\n/).map((line) => line.trim());
    const given = tokens.filter((token) => token !== '');
    if (given.length === 0) return 'has no token';
    if (given.length > MAX_TOKENS) return `has more than ${MAX_TOKENS} tokens`;
    const bad = tokens.findIndex((token) => token !== '' && !isSound(token));
    // The line alone is named: what is in it may be most of a token.
    if (bad >= 0)
      return `has no token in line ${bad + 1}: ${MIN_CHARACTERS} to ${MAX_CHARACTERS} characters of base64, such as \`openssl rand -base64 32\` gives`;
    this.#digests = given.map(digestOf);
    return undefined;
  }

  /** @param authorization header of that name. In constant time for each token there is. */
  isShownIn(authorization: string): boolean {
    const shown = digestOf(BEARER.exec(authorization)?.[1] ?? '');
    return this.#digests.filter((digest) => timingSafeEqual(digest, shown)).length > 0;
  }
}

function isSound(token: string): boolean {
  return token.length >= MIN_CHARACTERS && token.length <= MAX_CHARACTERS && TOKEN.test(token);
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
