// Whether a revocation list is what a relying party could use: of this CA, signed by it, and in its time. A list that fails
// one of these is never handed out, for a peer that is given it refuses every handshake.
import { verify } from 'node:crypto';
import { formatTime } from '../../text/format-time.ts';
import type { CaCertificate } from '../ca-certificate.ts';
import { sameBytes } from '../path/certificate.ts';
import { CRL_SIGN } from '../path/extensions.ts';
import type { Crl } from './read-crl.ts';

/** What BoringSSL, Go and OpenSSL verify. SHA-1 has no row: a list that is signed with it can be forged. */
const HASHES: Readonly<Record<string, string>> = {
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
};
/** A list is out of use this share of its life before its end, and two hours at most: clocks differ, and pushes take time. */
const RESERVE_SHARE = 1 / 12;
const MAX_RESERVE_MS = 7_200_000;

/** Why peers take no list of this CA, whoever signs it, in words that follow its name; nothing when they do. */
export function crlSigningProblem({ extensions: { keyUsage } }: CaCertificate): string | undefined {
  if (keyUsage === undefined || (keyUsage & CRL_SIGN) !== 0) return undefined;
  return 'has a key usage without cRLSign, so that no CRL of it is valid: ask the CA above for keyUsage keyCertSign and cRLSign';
}

/** Whether it is one of the CA by its name, and by its key where it says which. */
export function isNamedBy({ issuerDer, authorityKeyId }: Crl, { subjectDer, extensions }: CaCertificate): boolean {
  const { subjectKeyId } = extensions;
  const sameKey = authorityKeyId === undefined || subjectKeyId === undefined || sameBytes(authorityKeyId, subjectKeyId);
  return sameKey && sameBytes(issuerDer, subjectDer);
}

/** Why it is no list by the CA, in words that follow it; nothing when it is one. When it is valid is another question. */
export function crlProblem(crl: Crl, by: CaCertificate): string | undefined {
  if (!isNamedBy(crl, by)) return `is not of ${by.subject}`;
  const usage = crlSigningProblem(by);
  if (usage !== undefined) return `is of ${by.subject}, which ${usage}`;
  const hash = HASHES[crl.algorithm];
  if (hash === undefined)
    return `is signed with ${crl.algorithm}, which mesh peers do not take: SHA-256 or better is needed`;
  return isSigned(crl, hash, by) ? undefined : `has a signature that is not by the key of ${by.subject}`;
}

/** Until when it may be in use, in ms since the epoch: some time before its nextUpdate. */
export function useUntilMs({ thisUpdateMs, nextUpdateMs }: Pick<Crl, 'thisUpdateMs' | 'nextUpdateMs'>): number {
  return nextUpdateMs - Math.min(MAX_RESERVE_MS, (nextUpdateMs - thisUpdateMs) * RESERVE_SHARE);
}

/** Why it is not in its time, in words that follow it; nothing while it may be in use. */
export function crlTimeProblem(crl: Pick<Crl, 'thisUpdateMs' | 'nextUpdateMs'>, nowMs: number): string | undefined {
  if (nowMs < crl.thisUpdateMs) return `is of ${formatTime(crl.thisUpdateMs)}, which is yet to come`;
  if (nowMs >= useUntilMs(crl)) return `is out of date: its nextUpdate is ${formatTime(crl.nextUpdateMs)}`;
  return undefined;
}

function isSigned({ tbs, signature }: Crl, hash: string, { x509 }: CaCertificate): boolean {
  try {
    return verify(hash, tbs, x509.publicKey, signature);
  } catch {
    // A key of another kind than the algorithm's has not signed it.
    return false;
  }
}
