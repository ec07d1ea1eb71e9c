// Certificate profiles as a table: what a certificate is good for. Key usage follows what Istio's
// own CA puts into workload certificates; each extension is whole DER, ready for the template.
import { der, oid, TAG } from './der.ts';

export interface Profile {
  readonly name: 'workload' | 'self';
  /** Extensions that are the same in every certificate of the profile, in order. */
  readonly fixedExtensions: Uint8Array;
}

const TRUE = Uint8Array.of(TAG.boolean, 1, 0xff);
const CLIENT_AUTH = oid('1.3.6.1.5.5.7.3.2');
const SERVER_AUTH = oid('1.3.6.1.5.5.7.3.1');

/** digitalSignature and keyEncipherment: bits 0 and 2, five bits unused (RFC 5280 section 4.2.1.3). */
const KEY_USAGE = der(
  TAG.sequence,
  oid('2.5.29.15'),
  TRUE,
  der(TAG.octetString, der(TAG.bitString, Uint8Array.of(5, 0xa0))),
);

/** CA:FALSE is the default, so the sequence is empty (RFC 5280 section 4.2.1.9). */
const NOT_A_CA = der(TAG.sequence, oid('2.5.29.19'), TRUE, der(TAG.octetString, der(TAG.sequence)));

function extendedKeyUsage(...usages: readonly Uint8Array[]): Uint8Array {
  return der(TAG.sequence, oid('2.5.29.37'), der(TAG.octetString, der(TAG.sequence, ...usages)));
}

function profile(name: Profile['name'], ...usages: readonly Uint8Array[]): Profile {
  const fixedExtensions = Buffer.concat([KEY_USAGE, extendedKeyUsage(...usages), NOT_A_CA]);
  return { name, fixedExtensions };
}

export const PROFILES = {
  /** A workload of the mesh: it serves and it calls. */
  workload: profile('workload', SERVER_AUTH, CLIENT_AUTH),
  /** Capstan's own serving certificate. */
  self: profile('self', SERVER_AUTH),
} as const;
