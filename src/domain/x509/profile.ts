// Certificate profiles as a table: what a certificate is good for. Key usage follows what Istio's
// own CA puts into workload certificates; each extension is whole DER, ready for the template.
import { der, oid, TAG } from './der.ts';
import { USAGES, type Usage } from './usage.ts';

export interface Profile {
  readonly name: 'workload' | 'self';
  /** In the order of USAGES. */
  readonly usages: readonly Usage[];
  /** Extensions that are the same in every certificate of the profile, in order. */
  readonly fixedExtensions: Uint8Array;
}

const TRUE = Uint8Array.of(TAG.boolean, 1, 0xff);

/** A KeyUsage of one byte: the bit and how many bits below it are unused (RFC 5280 section 4.2.1.3). */
const KEY_USAGE_BITS = { digitalSignature: 0x80, keyEncipherment: 0x20 } as const;

const PURPOSES = {
  serverAuth: oid('1.3.6.1.5.5.7.3.1'),
  clientAuth: oid('1.3.6.1.5.5.7.3.2'),
} as const;

/** CA:FALSE is the default, so the sequence is empty (RFC 5280 section 4.2.1.9). */
const NOT_A_CA = der(TAG.sequence, oid('2.5.29.19'), TRUE, der(TAG.octetString, der(TAG.sequence)));

function keyUsage(usages: readonly Usage[]): Uint8Array {
  const bits = usages.reduce(
    (sum, usage) => sum | (usage in KEY_USAGE_BITS ? KEY_USAGE_BITS[usage as 'digitalSignature'] : 0),
    0,
  );
  const unused = 31 - Math.clz32(bits & -bits);
  return der(
    TAG.sequence,
    oid('2.5.29.15'),
    TRUE,
    der(TAG.octetString, der(TAG.bitString, Uint8Array.of(unused, bits))),
  );
}

function extendedKeyUsage(usages: readonly Usage[]): Uint8Array {
  const purposes = usages.flatMap((usage) => (usage in PURPOSES ? [PURPOSES[usage as 'serverAuth']] : []));
  return der(TAG.sequence, oid('2.5.29.37'), der(TAG.octetString, der(TAG.sequence, ...purposes)));
}

function profile(name: Profile['name'], usages: readonly Usage[]): Profile {
  return { name, usages, fixedExtensions: Buffer.concat([keyUsage(usages), extendedKeyUsage(usages), NOT_A_CA]) };
}

export const PROFILES = {
  /** A workload of the mesh: it serves and it calls. */
  workload: profile('workload', USAGES),
  /** Capstan's own serving certificate. */
  self: profile('self', ['digitalSignature', 'keyEncipherment', 'serverAuth']),
} as const;

/** Narrowed workload profiles by their usages: as many as there are subsets that TLS can use, six. */
const narrowed = new Map<string, Profile>();

/** @param usages what policy leaves of the workload profile, usable for TLS, in the order of USAGES. */
export function workloadProfile(usages: readonly Usage[]): Profile {
  if (usages.length === USAGES.length) return PROFILES.workload;
  const key = usages.join(' ');
  const known = narrowed.get(key) ?? profile('workload', usages);
  narrowed.set(key, known);
  return known;
}
