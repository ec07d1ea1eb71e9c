// Keys that nobody has a certificate for: left behind by a ceremony that was given up, or by an intermediate that has ended. Each is a
// signature waiting for somebody, so they are listed and cleaned.
import type { ListedKey } from './messages.ts';

/**
 * @param keys of a token.
 * @param inUse DER SubjectPublicKeyInfo of the keys of issuers, in force or prepared.
 * @returns those that are of no issuer and have no certificate in the token; also those whose public half is unknown, which can be
 *   no issuer's here.
 */
export function orphanedKeys(keys: readonly ListedKey[], inUse: readonly Uint8Array[]): readonly ListedKey[] {
  const known = new Set(inUse.map((spki) => Buffer.from(spki).toString('hex')));
  return keys.filter(
    ({ spki, hasCertificate }) =>
      !hasCertificate && (spki === undefined || !known.has(Buffer.from(spki).toString('hex'))),
  );
}
