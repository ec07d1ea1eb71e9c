// Certificates of any shape, one tier of a path at a time, right unless told otherwise: written by a library, so that
// what Capstan judges is not of its own making.
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { der, oid, TAG } from '../../src/domain/x509/der.ts';

const DAY_MS = 86_400_000;
const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface Tier {
  readonly pem: string;
  readonly keyPem: string;
  readonly der: Buffer;
  readonly certificate: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

export interface TierOptions {
  readonly by?: Tier;
  readonly subject?: string;
  /** An earlier tier's, to be issued anew. */
  readonly keys?: webcrypto.CryptoKeyPair;
  readonly ca?: boolean;
  readonly pathLength?: number;
  readonly usage?: x509.KeyUsageFlags;
  readonly uses?: readonly string[];
  readonly names?: readonly x509.JsonGeneralName[];
  readonly more?: readonly x509.Extension[];
  readonly keyId?: boolean;
  readonly authorityKeyId?: boolean;
  readonly signedWith?: 'SHA-1' | 'SHA-256';
  readonly startsInDays?: number;
  readonly endsInDays?: number;
}

/** @param nowMs what the days are counted from. */
export function tiersAt(nowMs: number) {
  return async (name: string, options: TierOptions = {}): Promise<Tier> => {
    const { by, ca = true, pathLength, startsInDays = -1, endsInDays = 30, uses, names, more = [] } = options;
    const usage = options.usage ?? (ca ? x509.KeyUsageFlags.keyCertSign : x509.KeyUsageFlags.digitalSignature);
    const keys = options.keys ?? (await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']));
    const serial = randomBytes(12);
    serial[0] = 0x10 | (serial[0]! & 0x6f);
    const subject = options.subject ?? (ca ? `CN=${name}` : '');
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial.toString('hex'),
      subject,
      issuer: by?.certificate.subjectName ?? subject,
      notBefore: new Date(nowMs + startsInDays * DAY_MS),
      notAfter: new Date(nowMs + endsInDays * DAY_MS),
      publicKey: keys.publicKey,
      signingKey: (by?.keys ?? keys).privateKey,
      signingAlgorithm: { ...P256, hash: options.signedWith ?? 'SHA-256' },
      extensions: [
        new x509.BasicConstraintsExtension(ca, pathLength, true),
        new x509.KeyUsagesExtension(usage, true),
        ...(uses === undefined ? [] : [new x509.ExtendedKeyUsageExtension([...uses])]),
        ...(names === undefined ? [] : [new x509.SubjectAlternativeNameExtension([...names], true)]),
        ...(options.keyId === false ? [] : [await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)]),
        ...(by === undefined || options.authorityKeyId === false
          ? []
          : [await x509.AuthorityKeyIdentifierExtension.create(by.keys.publicKey)]),
        ...more,
      ],
    });
    const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
    return {
      pem: `${certificate.toString('pem')}\n`,
      keyPem: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
      der: Buffer.from(certificate.rawData),
      certificate,
      keys,
    };
  };
}

export const SERVER = x509.ExtendedKeyUsage.serverAuth;
export const CLIENT = x509.ExtendedKeyUsage.clientAuth;

const NAME_TAGS = { dns: 0x82, uri: 0x86, ip: 0x87, email: 0x81 } as const;

export interface Constraint {
  readonly kind: keyof typeof NAME_TAGS | 'directory';
  /** A Name in DER for a directory name, an address and its mask for an address. */
  readonly value: string | Uint8Array;
}

function subtrees(tag: number, constraints: readonly Constraint[]): Uint8Array {
  return der(
    tag,
    ...constraints.map(({ kind, value }) => {
      const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value;
      return der(TAG.sequence, kind === 'directory' ? der(0xa4, bytes) : der(NAME_TAGS[kind], bytes));
    }),
  );
}

export function nameConstraints(
  {
    permitted = [],
    excluded = [],
  }: { readonly permitted?: readonly Constraint[]; readonly excluded?: readonly Constraint[] },
  critical = true,
): x509.Extension {
  const parts = [
    ...(permitted.length > 0 ? [subtrees(0xa0, permitted)] : []),
    ...(excluded.length > 0 ? [subtrees(0xa1, excluded)] : []),
  ];
  return new x509.Extension('2.5.29.30', critical, der(TAG.sequence, ...parts));
}

export function policies(...oids: readonly string[]): x509.Extension {
  return new x509.Extension('2.5.29.32', false, der(TAG.sequence, ...oids.map((one) => der(TAG.sequence, oid(one)))));
}

export function requireExplicitPolicy(skip: number): x509.Extension {
  return new x509.Extension('2.5.29.36', true, der(TAG.sequence, der(0x80, Uint8Array.of(skip))));
}

export function mapPolicy(from: string, to: string): x509.Extension {
  return new x509.Extension('2.5.29.33', true, der(TAG.sequence, der(TAG.sequence, oid(from), oid(to))));
}

export function inhibitAnyPolicy(skip: number): x509.Extension {
  return new x509.Extension('2.5.29.54', true, der(TAG.integer, Uint8Array.of(skip)));
}

export function unknownExtension(critical: boolean): x509.Extension {
  return new x509.Extension('1.3.6.1.4.1.55555.1', critical, der(TAG.null));
}
