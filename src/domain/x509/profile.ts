// Certificate profiles as a table: what a certificate is good for. Key usage follows what Istio's
// own CA puts into workload certificates; each extension is whole DER, ready for the template.
import { der, oid, TAG } from './der.ts';
import { KEY_TABLE, type KeyFamily } from './key-types.ts';
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

const SERVING_USAGES = USAGES.filter((usage) => usage !== 'clientAuth');

/** By their usages: with and without keyEncipherment, that is two of each. */
const made = new Map<string, Profile>();

/**
 * A workload of the mesh: it serves and it calls.
 * @param usages what policy leaves of it, usable for an SVID, in the order of USAGES.
 */
export function workloadProfile(usages: readonly Usage[], family: KeyFamily): Profile {
  return profileOf('workload', usages, family);
}

/** Capstan's own serving certificate. */
export function servingProfile(family: KeyFamily): Profile {
  return profileOf('self', SERVING_USAGES, family);
}

/** An EC key encrypts no key, whoever asks: keyEncipherment MUST NOT stand beside it (RFC 8813 section 3). */
function profileOf(name: Profile['name'], usages: readonly Usage[], family: KeyFamily): Profile {
  const fitting = KEY_TABLE[family].kind === 'rsa' ? usages : usages.filter((usage) => usage !== 'keyEncipherment');
  const key = `${name} ${fitting.join(' ')}`;
  const known = made.get(key) ?? profile(name, fitting);
  made.set(key, known);
  return known;
}
