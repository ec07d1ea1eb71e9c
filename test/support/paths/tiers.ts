// Certificates of any shape, one tier of a path at a time, right unless told otherwise: written by a library, so that
// what Capstan judges is not of its own making.
import 'reflect-metadata';
import { generateKeyPairSync, KeyObject, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { der, oid, TAG } from '../../../src/domain/x509/der.ts';

const DAY_MS = 86_400_000;
/** An uncompressed point on P-256. */
const POINT_BYTES = 65;
const RSA_1024 = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 1024,
  publicExponent: Uint8Array.of(1, 0, 1),
} as const;
const RSA_PSS = {
  name: 'RSA-PSS',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: Uint8Array.of(1, 0, 1),
} as const;
const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface Tier {
  readonly pem: string;
  readonly keyPem: string;
  readonly der: Buffer;
  readonly certificate: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

/** Whoever signs: a tier, or any CA whose key is at hand. */
export type Signer = Pick<Tier, 'certificate' | 'keys'>;

export interface TierOptions {
  readonly by?: Signer;
  readonly subject?: string | x509.Name;
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
  readonly keyType?: 'rsa-1024' | 'rsa-pss';
  /** In bytes, where it is signed with RSASSA-PSS; as many as the hash has where nothing is said. */
  readonly saltLength?: number;
  /** How the public key is written: its curve spelled out, its point compressed, or bound to RSASSA-PSS. */
  readonly keyForm?: 'explicit' | 'compressed' | 'pss-only';
  readonly criticalKeyIds?: boolean;
  /** A subject key identifier that is made in another way than the usual one, hex. */
  readonly ownKeyId?: string;
  /** Of the issuer's certificate, to be named beside its key. */
  readonly authoritySerial?: string;
  readonly startsInDays?: number;
  readonly endsInDays?: number;
}

/** @param nowMs what the days are counted from. */
export function tiersAt(nowMs: number) {
  return async (name: string, options: TierOptions = {}): Promise<Tier> => {
    const { by, ca = true, pathLength, startsInDays = -1, endsInDays = 30, uses, names, more = [] } = options;
    const usage = options.usage ?? (ca ? x509.KeyUsageFlags.keyCertSign : x509.KeyUsageFlags.digitalSignature);
    const algorithm = { 'rsa-1024': RSA_1024, 'rsa-pss': RSA_PSS, 'ec-p256': P256 }[options.keyType ?? 'ec-p256'];
    const keys = options.keys ?? (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']));
    const signer = (by?.keys ?? keys).privateKey;
    const serial = randomBytes(12);
    serial[0] = 0x10 | (serial[0]! & 0x6f);
    const subject = options.subject ?? (ca ? `CN=${name}` : '');
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial.toString('hex'),
      subject,
      issuer: by?.certificate.subjectName ?? subject,
      notBefore: new Date(nowMs + startsInDays * DAY_MS),
      notAfter: new Date(nowMs + endsInDays * DAY_MS),
      publicKey: written(keys.publicKey, options.keyForm),
      signingKey: signer,
      signingAlgorithm: {
        ...signatureOf(signer, options.saltLength),
        hash: options.signedWith ?? 'SHA-256',
      },
      extensions: [
        new x509.BasicConstraintsExtension(ca, pathLength, true),
        new x509.KeyUsagesExtension(usage, true),
        ...(uses === undefined ? [] : [new x509.ExtendedKeyUsageExtension([...uses])]),
        ...(names === undefined ? [] : [new x509.SubjectAlternativeNameExtension([...names], true)]),
        ...(options.keyId === false ? [] : [await subjectKeyId(keys, options)]),
        ...(by === undefined || options.authorityKeyId === false
          ? []
          : [await authorityKeyId(by, options.authoritySerial, options.criticalKeyIds)]),
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

async function subjectKeyId(
  { publicKey }: webcrypto.CryptoKeyPair,
  { ownKeyId, criticalKeyIds }: TierOptions,
): Promise<x509.Extension> {
  return ownKeyId === undefined
    ? x509.SubjectKeyIdentifierExtension.create(publicKey, criticalKeyIds)
    : new x509.SubjectKeyIdentifierExtension(ownKeyId, criticalKeyIds);
}

/** The key identifier, and a serial with the issuer's name where one is to be named. */
async function authorityKeyId(by: Signer, serial: string | undefined, critical = false): Promise<x509.Extension> {
  const plain = await x509.AuthorityKeyIdentifierExtension.create(by.keys.publicKey, critical);
  if (serial === undefined) return plain;
  const name = der(0xa1, der(0xa4, Buffer.from(by.certificate.issuerName.toArrayBuffer())));
  const value = der(
    TAG.sequence,
    der(0x80, Buffer.from(plain.keyId ?? '', 'hex')),
    name,
    der(0x82, Buffer.from(serial, 'hex')),
  );
  return new x509.Extension('2.5.29.35', false, value);
}

function signatureOf({ algorithm: { name } }: webcrypto.CryptoKey, saltLength = 32) {
  if (name === RSA_PSS.name) return { ...RSA_PSS, saltLength };
  return name === P256.name ? P256 : RSA_1024;
}

/** The same key in another spelling; the point, or the modulus and its exponent, is at the end of each. */
function written(key: webcrypto.CryptoKey, form: TierOptions['keyForm']): x509.PublicKey | webcrypto.CryptoKey {
  if (form === undefined) return key;
  const usual = KeyObject.from(key).export({ format: 'der', type: 'spki' });
  const point = usual.subarray(-POINT_BYTES);
  if (form === 'pss-only') {
    const pkcs1 = KeyObject.from(key).export({ format: 'der', type: 'pkcs1' });
    const algorithm = der(TAG.sequence, oid('1.2.840.113549.1.1.10'));
    return new x509.PublicKey(Buffer.from(der(TAG.sequence, algorithm, der(TAG.bitString, Uint8Array.of(0), pkcs1))));
  }
  if (form === 'compressed') {
    const algorithm = der(TAG.sequence, oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7'));
    const compressed = [Uint8Array.of(2 + (point[POINT_BYTES - 1]! & 1)), point.subarray(1, 33)];
    return new x509.PublicKey(
      Buffer.from(der(TAG.sequence, algorithm, der(TAG.bitString, Uint8Array.of(0), ...compressed))),
    );
  }
  const explicit = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }).publicKey;
  const spelled = explicit.export({ format: 'der', type: 'spki' });
  return new x509.PublicKey(Buffer.concat([spelled.subarray(0, -POINT_BYTES), point]));
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
