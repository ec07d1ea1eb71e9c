// Writes a certificate revocation list, version 2 (RFC 5280 section 5): complete, direct, of one issuer. What is signed comes
// first, so that the key may be anywhere. Fields are put last to first; see DerWriter.
import { DerWriter, der, oid, TAG } from '../der.ts';
import type { Issuer } from '../issuer.ts';
import { ISSUER_SIGNATURES } from '../key-types.ts';
import { signedDer } from '../signed.ts';
import { putTime } from '../template.ts';

/** Reasons of section 5.3.1 that are given here, each with its value. */
const REASONS = { keyCompromise: 1, privilegeWithdrawn: 9 } as const;

export interface RevokedEntry {
  /** Lower-case hex, no leading zeros. */
  readonly serial: string;
  /** In ms since the epoch. */
  readonly revokedMs: number;
  readonly reason: keyof typeof REASONS;
}

export type CrlIssuer = Pick<Issuer, 'subjectDer' | 'subjectKeyId' | 'algorithm'>;

export interface CrlContents {
  readonly issuer: CrlIssuer;
  /** Higher than that of every list before; a positive safe integer. */
  readonly number: number;
  /** In ms since the epoch; cut to whole seconds. */
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  /** Each serial once. */
  readonly revoked: readonly RevokedEntry[];
}

export interface UnsignedCrl {
  /** DER TBSCertList, to be signed whole. */
  readonly tbs: Uint8Array;
  /** @param signature as the issuer's algorithm makes it. @returns DER CertificateList. */
  assemble(signature: Uint8Array): Uint8Array;
}

const VERSION_2 = Uint8Array.of(TAG.integer, 1, 1);
const EXTENSIONS = 0xa0;
const KEY_ID = 0x80;
const ENUMERATED = 0x0a;
const AUTHORITY_KEY_ID = oid('2.5.29.35');
const CRL_NUMBER = oid('2.5.29.20');
const REASON_CODE = oid('2.5.29.21');
/** Of one entry: serial of at most 20 bytes, time, reason, headers. */
const ENTRY_ROOM = 64;
const FIXED_ROOM = 256;

const REASON_EXTENSIONS = Object.fromEntries(
  Object.entries(REASONS).map(([reason, value]) => [
    reason,
    der(TAG.sequence, der(TAG.sequence, REASON_CODE, der(TAG.octetString, der(ENUMERATED, Uint8Array.of(value))))),
  ]),
) as Readonly<Record<keyof typeof REASONS, Uint8Array>>;

export function unsignedCrl(contents: CrlContents): UnsignedCrl {
  const { identifier } = ISSUER_SIGNATURES[contents.issuer.algorithm];
  const tbs = tbsOf(contents, identifier);
  return { tbs, assemble: (signature) => signedDer(tbs, identifier, signature) };
}

function tbsOf(contents: CrlContents, identifier: Uint8Array): Uint8Array {
  const { issuer, thisUpdateMs, nextUpdateMs, revoked } = contents;
  const { subjectDer, subjectKeyId } = issuer;
  const room = FIXED_ROOM + subjectDer.length + subjectKeyId.length + revoked.length * ENTRY_ROOM;
  const writer = new DerWriter(room);
  const end = writer.mark;
  writer.put(extensionsOf(contents));
  putRevoked(writer, revoked);
  putTime(writer, wholeSecond(nextUpdateMs));
  putTime(writer, wholeSecond(thisUpdateMs));
  writer.put(subjectDer);
  writer.put(identifier);
  writer.put(VERSION_2);
  writer.wrap(TAG.sequence, end);
  return writer.finish();
}

/** Both are never critical (sections 5.2.1 and 5.2.3). */
function extensionsOf({ issuer, number }: CrlContents): Uint8Array {
  const keyId = der(TAG.sequence, der(KEY_ID, issuer.subjectKeyId));
  return der(
    EXTENSIONS,
    der(
      TAG.sequence,
      der(TAG.sequence, AUTHORITY_KEY_ID, der(TAG.octetString, keyId)),
      der(TAG.sequence, CRL_NUMBER, der(TAG.octetString, der(TAG.integer, positive(number.toString(16))))),
    ),
  );
}

/** "When there are no revoked certificates, the revoked certificates list MUST be absent" (section 5.1.2.6). */
function putRevoked(writer: DerWriter, revoked: readonly RevokedEntry[]): void {
  if (revoked.length === 0) return;
  const end = writer.mark;
  for (const { serial, revokedMs, reason } of revoked.toReversed()) {
    const entry = writer.mark;
    writer.put(REASON_EXTENSIONS[reason]);
    putTime(writer, wholeSecond(revokedMs));
    writer.put(der(TAG.integer, positive(serial)));
    writer.wrap(TAG.sequence, entry);
  }
  writer.wrap(TAG.sequence, end);
}

/** The contents of an INTEGER: a leading zero keeps a high bit from being a sign. */
function positive(hex: string): Uint8Array {
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Uint8Array.of(0), bytes]);
}

function wholeSecond(ms: number): number {
  return Math.floor(ms / 1_000) * 1_000;
}
