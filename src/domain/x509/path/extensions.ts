// The extensions of a certificate that decide whether a path through it holds (RFC 5280 section 4.2), as values.
import { DerError, dotted, TAG, type DerReader } from '../der.ts';

/** One GeneralName (RFC 5280 section 4.2.1.6), or the base of a constraint on one. */
export interface GeneralName {
  readonly kind: 'uri' | 'dns' | 'ip' | 'email' | 'directory' | 'other';
  /** Of an address its bytes, followed by those of its mask where it is a constraint; of a directory name its DER. */
  readonly bytes: Uint8Array;
}

export interface NameConstraints {
  readonly critical: boolean;
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

export interface AuthorityKeyId {
  readonly keyId: Uint8Array | undefined;
  /** Serial of the issuer's certificate in lower-case hex, no leading zeros. */
  readonly serial: string | undefined;
}

export interface CertificateExtensions {
  /** `pathLength` is Infinity where none is said. */
  readonly basicConstraints: { readonly ca: boolean; readonly pathLength: number } | undefined;
  /** The first byte of KeyUsage. */
  readonly keyUsage: number | undefined;
  /** Dotted. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly subjectKeyId: Uint8Array | undefined;
  readonly authorityKeyId: AuthorityKeyId | undefined;
  readonly names: readonly GeneralName[];
  readonly nameConstraints: NameConstraints | undefined;
  /** Dotted. */
  readonly policies: readonly string[] | undefined;
  readonly policyMappings: readonly (readonly [issuer: string, subject: string])[];
  readonly requireExplicitPolicy: number | undefined;
  readonly inhibitAnyPolicy: number | undefined;
  /** RFC 5280 sections 4.2.1.1 and 4.2.1.2: "conforming CAs MUST mark this extension as non-critical". */
  readonly criticalKeyId: boolean;
  /** Those that are critical, dotted. */
  readonly critical: readonly string[];
  /** Of them, those that nothing here knows. */
  readonly unknownCritical: readonly string[];
}

export const KEY_CERT_SIGN = 0x04;
export const CRL_SIGN = 0x02;

interface Extension {
  readonly critical: boolean;
  readonly value: DerReader;
}

const KNOWN = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  names: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  policies: '2.5.29.32',
  policyMappings: '2.5.29.33',
  authorityKeyId: '2.5.29.35',
  policyConstraints: '2.5.29.36',
  extendedKeyUsage: '2.5.29.37',
  inhibitAnyPolicy: '2.5.29.54',
} as const;
const KNOWN_TYPES = new Set<string>(Object.values(KNOWN));

/** Context tags: of Extensions, of GeneralName, of what stands in subtrees, key identifiers and policy constraints. */
const EXTENSIONS = 0xa3;
const NAME_KINDS: Readonly<Record<number, GeneralName['kind']>> = {
  0x81: 'email',
  0x82: 'dns',
  0x86: 'uri',
  0x87: 'ip',
  0xa4: 'directory',
};
const PERMITTED = 0xa0;
const EXCLUDED = 0xa1;
const KEY_ID = 0x80;
const KEY_ISSUER = 0xa1;
const KEY_SERIAL = 0x82;
const REQUIRE_EXPLICIT = 0x80;

/** @param rest what follows the public key in a TBSCertificate. @throws DerError */
export function readExtensions(rest: DerReader): CertificateExtensions {
  // issuerUniqueID and subjectUniqueID stand before the extensions; nobody writes them.
  while (!rest.done && rest.nextTag !== EXTENSIONS) skip(rest);
  const found = rest.done ? new Map<string, Extension>() : readList(rest);
  const valueOf = (name: keyof typeof KNOWN): DerReader | undefined => found.get(KNOWN[name])?.value;
  const constraints = found.get(KNOWN.nameConstraints);
  const critical = [...found].filter(([, extension]) => extension.critical).map(([type]) => type);
  return {
    basicConstraints: map(valueOf('basicConstraints'), readBasicConstraints),
    keyUsage: map(valueOf('keyUsage'), (value) => value.read(TAG.bitString, 'keyUsage')[1] ?? 0),
    extendedKeyUsage: map(valueOf('extendedKeyUsage'), (value) => readOids(value, 'extendedKeyUsage')),
    subjectKeyId: map(valueOf('subjectKeyId'), (value) => value.read(TAG.octetString, 'subjectKeyIdentifier')),
    authorityKeyId: map(valueOf('authorityKeyId'), readAuthorityKeyId),
    criticalKeyId: [KNOWN.subjectKeyId, KNOWN.authorityKeyId].some((type) => found.get(type)?.critical === true),
    names: map(valueOf('names'), (value) => readNames(value.enter(TAG.sequence, 'subjectAltName'))) ?? [],
    nameConstraints: constraints && { critical: constraints.critical, ...readNameConstraints(constraints.value) },
    policies: map(valueOf('policies'), readPolicies),
    policyMappings: map(valueOf('policyMappings'), readMappings) ?? [],
    requireExplicitPolicy: map(valueOf('policyConstraints'), readRequireExplicit),
    inhibitAnyPolicy: map(valueOf('inhibitAnyPolicy'), (value) => integer(value.read(TAG.integer, 'inhibitAnyPolicy'))),
    critical,
    unknownCritical: critical.filter((type) => !KNOWN_TYPES.has(type)),
  };
}

function readList(rest: DerReader): Map<string, Extension> {
  const list = rest.enter(EXTENSIONS, 'extensions').enter(TAG.sequence, 'extensions');
  const found = new Map<string, Extension>();
  while (!list.done) {
    const extension = list.enter(TAG.sequence, 'extension');
    const type = dotted(extension.read(TAG.oid, 'extension type'));
    // "A certificate MUST NOT include more than one instance of a particular extension" (section 4.2).
    if (found.has(type)) throw new DerError(`extension ${type} stands twice`);
    const critical = extension.nextTag === TAG.boolean && extension.read(TAG.boolean, 'critical')[0] !== 0;
    found.set(type, { critical, value: extension.enter(TAG.octetString, 'extension value') });
  }
  return found;
}

function readBasicConstraints(value: DerReader): { ca: boolean; pathLength: number } {
  const constraints = value.enter(TAG.sequence, 'basicConstraints');
  const ca = constraints.nextTag === TAG.boolean && constraints.read(TAG.boolean, 'cA')[0] !== 0;
  const pathLength = constraints.done ? Infinity : integer(constraints.read(TAG.integer, 'pathLenConstraint'));
  return { ca, pathLength };
}

function readAuthorityKeyId(value: DerReader): AuthorityKeyId {
  const fields = value.enter(TAG.sequence, 'authorityKeyIdentifier');
  const keyId = fields.nextTag === KEY_ID ? fields.read(KEY_ID, 'keyIdentifier') : undefined;
  if (fields.nextTag === KEY_ISSUER) fields.read(KEY_ISSUER, 'authorityCertIssuer');
  const serial = fields.nextTag === KEY_SERIAL ? fields.read(KEY_SERIAL, 'authorityCertSerialNumber') : undefined;
  return { keyId, serial: serial && hexNumber(serial) };
}

function readNameConstraints(value: DerReader): Omit<NameConstraints, 'critical'> {
  const constraints = value.enter(TAG.sequence, 'nameConstraints');
  const permitted = constraints.nextTag === PERMITTED ? readSubtrees(constraints.enter(PERMITTED, 'permitted')) : [];
  const excluded = constraints.nextTag === EXCLUDED ? readSubtrees(constraints.enter(EXCLUDED, 'excluded')) : [];
  return { permitted, excluded };
}

/** `minimum` is zero and `maximum` absent, or nobody knows what is meant (section 4.2.1.10). */
function readSubtrees(list: DerReader): readonly GeneralName[] {
  const bases: GeneralName[] = [];
  while (!list.done) {
    const subtree = list.enter(TAG.sequence, 'subtree');
    bases.push(readName(subtree));
    subtree.finish('subtree');
  }
  return bases;
}

function readNames(list: DerReader): readonly GeneralName[] {
  const names: GeneralName[] = [];
  while (!list.done) names.push(readName(list));
  return names;
}

function readName(list: DerReader): GeneralName {
  const kind = NAME_KINDS[list.nextTag] ?? 'other';
  return { kind, bytes: list.read(list.nextTag, 'name') };
}

function readPolicies(value: DerReader): readonly string[] {
  const list = value.enter(TAG.sequence, 'certificatePolicies');
  const policies: string[] = [];
  while (!list.done) policies.push(dotted(list.enter(TAG.sequence, 'policy').read(TAG.oid, 'policy')));
  return policies;
}

function readMappings(value: DerReader): readonly (readonly [string, string])[] {
  const list = value.enter(TAG.sequence, 'policyMappings');
  const mappings: (readonly [string, string])[] = [];
  while (!list.done) {
    const pair = list.enter(TAG.sequence, 'mapping');
    mappings.push([dotted(pair.read(TAG.oid, 'policy')), dotted(pair.read(TAG.oid, 'policy'))]);
  }
  return mappings;
}

function readRequireExplicit(value: DerReader): number | undefined {
  const fields = value.enter(TAG.sequence, 'policyConstraints');
  return fields.nextTag === REQUIRE_EXPLICIT
    ? integer(fields.read(REQUIRE_EXPLICIT, 'requireExplicitPolicy'))
    : undefined;
}

function readOids(value: DerReader, what: string): readonly string[] {
  const list = value.enter(TAG.sequence, what);
  const oids: string[] = [];
  while (!list.done) oids.push(dotted(list.read(TAG.oid, what)));
  return oids;
}

function skip(reader: DerReader): void {
  reader.read(reader.nextTag, 'field');
}

function integer(contents: Uint8Array): number {
  return contents.reduce((sum, byte) => sum * 256 + byte, 0);
}

/** @returns lower-case hex without leading zeros. */
export function hexNumber(contents: Uint8Array): string {
  return Buffer.from(contents)
    .toString('hex')
    .replace(/^0+(?=.)/, '');
}

function map<T>(value: DerReader | undefined, read: (value: DerReader) => T): T | undefined {
  return value === undefined ? undefined : read(value);
}
