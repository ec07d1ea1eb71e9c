// Writes csr.json anew: requests of the workload spiffe://cluster.local/ns/default/sa/demo, each right,
// or wrong in one place and refused with one reason. Run it when a rule is added: node generate.ts
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  ALGORITHM,
  dns,
  ecKeys,
  extensionRequest,
  keysOf,
  OID,
  pemOf,
  rsaKeys,
  rsaSpki,
  san,
  seq,
  set,
  signedRequest,
  text,
  tlv,
  TRUE,
  uri,
  type Part,
  type RequestParts,
} from './der-parts.ts';

export interface CsrVector {
  readonly name: string;
  readonly pem: string;
  /** `accepted`, or the reason code of the refusal. */
  readonly expected: string;
  /** What the message of a refusal says, so that a vector is not refused for something else. */
  readonly says?: string;
}

const WORKLOAD = 'spiffe://cluster.local/ns/default/sa/demo';
const EMPTY_O = '300b31093007060355040a1300';
const EMPTY_UTF8_O = '300b31093007060355040a0c00';

const p256 = ecKeys();
const rsa = rsaKeys(2048);
const attributes = (...each: readonly Part[]): Buffer => tlv(0xa0, ...each);
const asking = (...extensions: readonly Part[]): Buffer => attributes(extensionRequest(...extensions));
const workload = asking(san(uri(WORKLOAD)));
const ec = (parts: RequestParts = {}): Buffer => signedRequest(p256, { attributes: workload, ...parts });
const withNames = (...names: readonly Part[]): Buffer => ec({ attributes: asking(san(...names)) });
const withRsa = (parts: RequestParts): Buffer =>
  signedRequest(rsa, { attributes: workload, algorithm: ALGORITHM.rsaSha256, ...parts });
const withSpki = (spki: Buffer): Buffer => withRsa({ spki });
const rdn = (type: string, value: Part): Buffer => seq(set(seq(type, value)));
const printable = (value: string): Buffer => tlv(0x13, text(value));

const good = (name: string, der: Uint8Array): CsrVector => ({ name, pem: pemOf(der), expected: 'accepted' });
const bad = (expected: string, says: string) => (name: string, der: Uint8Array | string) => ({
  name,
  pem: typeof der === 'string' ? der : pemOf(der),
  expected,
  says,
});

const notPem = bad('CAP-C01', 'csr');
const twoBlocks = bad('CAP-C01', 'more than one PEM block');
const truncated = bad('CAP-C02', 'truncated');
const trailing = bad('CAP-C02', 'trailing bytes');
const shapeless = bad('CAP-C02', 'missing or of another type');
const badLength = bad('CAP-C02', 'length');
const unsigned = bad('CAP-C04', 'does not verify');
const weakHash = bad('CAP-C05', 'SHA-256, SHA-384 or SHA-512');
const foreignKey = bad('CAP-K01', 'P-256 or P-384, or RSA 2048 to 4096');

const modulus = Buffer.concat([Buffer.of(0), Buffer.alloc(256, 0xc5)]);
const even = Buffer.from(modulus).fill(0xc4, 256);
const point = p256.spki.subarray(-65);
const ecSpki = (bytes: Part, parameters: Part = OID.p256): Buffer =>
  seq(seq(OID.ecPublicKey, parameters), tlv(0x03, '00', bytes));
const offCurve = Buffer.from(point);
offCurve[64] = (offCurve[64] ?? 0) ^ 1;
const ed25519 = keysOf(generateKeyPairSync('ed25519'));
const explicitP256 = keysOf(generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }));
const whole = ec();
const changed = Buffer.from(whole);
changed.write('sa/demi', changed.indexOf('sa/demo'));
const lastByte = Buffer.from(withRsa({}));
lastByte[lastByte.length - 1] = (lastByte.at(-1) ?? 0) ^ 1;
const behindValues = seq(OID.extensionRequest, set(seq(san(uri(WORKLOAD)))), '0500');
const twoValues = seq(OID.extensionRequest, set(seq(san(uri(WORKLOAD))), seq(san(uri(WORKLOAD)))));
const asksFor = (extension: Buffer): Buffer => ec({ attributes: asking(extension) });
const rsaNumbers = seq(tlv(0x02, modulus), tlv(0x02, '010001'));
const rsaBits = (bits: Part): Buffer => seq(seq(OID.rsa, '0500'), tlv(0x03, '00', bits));
const nested = (depth: number): Buffer => (depth === 0 ? seq() : seq(nested(depth - 1)));

const VECTORS: readonly CsrVector[] = [
  good('ztunnel: P-256, no subject, one URI', ec()),
  good("Istio's agent: RSA 2048, a lone empty O=, one URI", withRsa({ subject: EMPTY_O })),
  good('an empty O= as UTF8String', ec({ subject: EMPTY_UTF8_O })),
  good('P-384 with SHA-384', signedRequest(ecKeys('P-384'), { attributes: workload, algorithm: ALGORITHM.ecdsaSha384, hash: 'sha384' })),
  good('P-256 with SHA-512', ec({ algorithm: ALGORITHM.ecdsaSha512, hash: 'sha512' })),
  good('RSA 3072 with SHA-384', signedRequest(rsaKeys(3072), { attributes: workload, algorithm: ALGORITHM.rsaSha384, hash: 'sha384' })),
  good('RSA 4096 with SHA-512', signedRequest(rsaKeys(4096), { attributes: workload, algorithm: ALGORITHM.rsaSha512, hash: 'sha512' })),
  good('a SAN that is not critical', ec({ attributes: asking(seq(OID.subjectAltName, tlv(0x04, seq(uri(WORKLOAD))))) })),
  good('no extension request', ec({ attributes: attributes() })),
  good('no attributes at all', ec({ attributes: '' })),

  notPem('no PEM', 'MIIBIjANBgkq'),
  notPem('nothing', ''),
  notPem('another label', pemOf(whole, 'NEW CERTIFICATE REQUEST')),
  notPem('a certificate label', pemOf(whole, 'CERTIFICATE')),
  notPem('text before the block', `subject: demo\n${pemOf(whole)}`),
  notPem('text after the block', `${pemOf(whole)}subject: demo\n`),
  notPem('no end of the block', pemOf(whole).slice(0, 200)),
  notPem('base64url', pemOf(whole).replace('MII', 'M-_')),
  notPem('a header in the block', pemOf(whole).replace('REQUEST-----\n', 'REQUEST-----\nProc-Type: 4,ENCRYPTED\n\n')),
  notPem('an empty block', pemOf(Buffer.alloc(0))),
  twoBlocks('two blocks', pemOf(whole) + pemOf(whole)),

  truncated('the second half missing', whole.subarray(0, whole.length / 2)),
  truncated('the last byte missing', whole.subarray(0, -1)),
  trailing('a byte behind the request', Buffer.concat([whole, Buffer.of(0)])),
  trailing('a field behind the attributes', ec({ rest: '0500' })),
  trailing('a field behind the signature', seq(whole.subarray(4), '0500')),
  trailing('a field behind the attribute values', ec({ attributes: attributes(behindValues) })),
  trailing('two values of one extension request', ec({ attributes: attributes(twoValues) })),
  trailing('a field behind the extension value', asksFor(seq(OID.subjectAltName, TRUE, tlv(0x04, seq(uri(WORKLOAD))), '0500'))),
  trailing('bytes behind the names', asksFor(seq(OID.subjectAltName, TRUE, tlv(0x04, seq(uri(WORKLOAD)), '0500')))),
  shapeless('sequences nested a thousand deep', nested(1000)),
  shapeless('a version only', seq(seq('020100'))),
  badLength('an indefinite length', Buffer.concat([Buffer.of(0x30, 0x80), whole.subarray(4), Buffer.of(0, 0)])),
  badLength('a length of three bytes', Buffer.concat([Buffer.of(0x30, 0x83, 0), whole.subarray(2)])),
  badLength('a length of 4 GiB', Buffer.from('3084ffffffff', 'hex')),
  badLength('a length longer than it needs to be', ec({ subject: '308100', version: '020100' })),
  bad('CAP-C02', 'version')('version 1', ec({ version: '020101' })),
  bad('CAP-C02', 'unused bits')('a signature with unused bits', unusedBits(whole)),
  bad('CAP-C02', 'empty')('a SAN without names', withNames()),
  shapeless('an extension request without extensions', ec({ attributes: asking() })),
  shapeless('critical as FALSE', ec({ attributes: asking(seq(OID.subjectAltName, '010100', tlv(0x04, seq(uri(WORKLOAD))))) })),
  shapeless('critical as a BER TRUE', ec({ attributes: asking(seq(OID.subjectAltName, '010101', tlv(0x04, seq(uri(WORKLOAD))))) })),

  unsigned('a name changed after signing', changed),
  unsigned('a changed signature', lastByte),
  unsigned("another key's signature", signedRequest(ecKeys(), { attributes: workload, spki: p256.spki })),
  unsigned('a signature over another hash', ec({ hash: 'sha384' })),
  bad('CAP-C04', 'does not fit the key')('an RSA algorithm with an EC key', ec({ algorithm: ALGORITHM.rsaSha256 })),
  bad('CAP-C04', 'does not fit the key')('an ECDSA algorithm with an RSA key', withRsa({ algorithm: ALGORITHM.ecdsaSha256 })),
  weakHash('MD5', withRsa({ algorithm: ALGORITHM.rsaMd5, hash: 'md5' })),
  weakHash('SHA-1 with RSA', withRsa({ algorithm: ALGORITHM.rsaSha1, hash: 'sha1' })),
  weakHash('SHA-1 with ECDSA', ec({ algorithm: ALGORITHM.ecdsaSha1, hash: 'sha1' })),
  weakHash('ECDSA with parameters', ec({ algorithm: ALGORITHM.ecdsaSha256Null })),
  weakHash('RSA without parameters', withRsa({ algorithm: ALGORITHM.rsaSha256Bare })),

  foreignKey('P-521', signedRequest(ecKeys('P-521'), { attributes: workload })),
  foreignKey('P-224', signedRequest(ecKeys('P-224'), { attributes: workload })),
  foreignKey('secp256k1', signedRequest(ecKeys('secp256k1'), { attributes: workload })),
  foreignKey('Ed25519', signedRequest(ed25519, { attributes: workload, algorithm: ALGORITHM.ed25519 })),
  foreignKey('a curve spelled out', signedRequest(explicitP256, { attributes: workload })),
  foreignKey('RSA-PSS', withSpki(rsaSpki(modulus, '010001', seq(OID.rsaPss)))),
  foreignKey('RSA without its NULL', withSpki(rsaSpki(modulus, '010001', seq(OID.rsa)))),
  bad('CAP-K02', 'on its curve')('an off-curve point', ec({ spki: ecSpki(offCurve) })),
  bad('CAP-K02', 'uncompressed')('a compressed point', ec({ spki: ecSpki(Buffer.concat([Buffer.of(2), point.subarray(1, 33)])) })),
  bad('CAP-K02', 'uncompressed')('the point at infinity', ec({ spki: ecSpki('00') })),
  bad('CAP-K02', 'uncompressed')('a P-384 point on P-256', ec({ spki: ecSpki(ecKeys('P-384').spki.subarray(-97)) })),
  bad('CAP-K02', 'has 1024 bits')('RSA 1024', signedRequest(rsaKeys(1024), { attributes: workload, algorithm: ALGORITHM.rsaSha256 })),
  bad('CAP-K02', 'has 2047 bits')('RSA 2047', withSpki(rsaSpki(Buffer.alloc(256, 0x55), '010001'))),
  bad('CAP-K02', 'has 16384 bits')('RSA 16384', withSpki(rsaSpki(Buffer.concat([Buffer.of(0), Buffer.alloc(2048, 0xc5)]), '010001'))),
  bad('CAP-K02', 'even')('an even modulus', withSpki(rsaSpki(even, '010001'))),
  bad('CAP-K02', 'negative')('a negative modulus', withSpki(rsaSpki(modulus.subarray(1), '010001'))),
  bad('CAP-K02', 'minimal')('a modulus with a leading zero too many', withSpki(rsaSpki(Buffer.concat([Buffer.of(0), modulus]), '010001'))),
  bad('CAP-K02', 'SubjectPublicKeyInfo has trailing bytes')('a field behind the key', withSpki(seq(p256.spki.subarray(2), '0500'))),
  bad('CAP-K02', 'RSAPublicKey has trailing bytes')('a third number in an RSA key', withSpki(rsaSpki(modulus, '010001', undefined, '020100'))),
  bad('CAP-K02', 'RSAPublicKey has trailing bytes')('bytes behind an RSA key', withSpki(rsaBits(Buffer.concat([rsaNumbers, Buffer.of(5, 0)])))),
  bad('CAP-K02', 'at least 65537')('e=1', withSpki(rsaSpki(modulus, '01'))),
  bad('CAP-K02', 'at least 65537')('e=3', withSpki(rsaSpki(modulus, '03'))),
  bad('CAP-K02', 'at least 65537')('an even e', withSpki(rsaSpki(modulus, '010002'))),
  bad('CAP-K02', 'too large')('an e of 2048 bits', withSpki(rsaSpki(modulus, modulus))),

  bad('CAP-C03', 'subject has CN')('a common name', ec({ subject: rdn(OID.commonName, printable('demo')) })),
  bad('CAP-C03', 'subject has O')('an organization', ec({ subject: rdn(OID.organization, printable('cluster.local')) })),
  bad('CAP-C03', 'subject has CN')('an empty common name', ec({ subject: rdn(OID.commonName, printable('')) })),
  bad('CAP-C03', 'subject has O')('two empty O=', ec({ subject: seq(...Array<Part>(2).fill(set(seq(OID.organization, '1300')))) })),
  bad('CAP-C03', 'attribute 1.2.840.113549.1.9.7')('a challenge password', ec({ attributes: attributes(seq(OID.challengePassword, set(printable('x')))) })),
  bad('CAP-C03', 'attribute 1.2.840.113549.1.9.7')('a challenge password behind the extensions', ec({ attributes: attributes(extensionRequest(san(uri(WORKLOAD))), seq(OID.challengePassword, set(printable('x')))) })),
  bad('CAP-C03', 'more than one extensionRequest')('two extension requests', ec({ attributes: attributes(extensionRequest(san(uri(WORKLOAD))), extensionRequest(san(uri(WORKLOAD)))) })),
  bad('CAP-C03', 'extension 2.5.29.19')('CA:TRUE', ec({ attributes: asking(seq(OID.basicConstraints, TRUE, tlv(0x04, seq(TRUE)))) })),
  bad('CAP-C03', 'extension 2.5.29.15')('a key usage behind the SAN', ec({ attributes: asking(san(uri(WORKLOAD)), seq(OID.keyUsage, tlv(0x04, '03020780'))) })),
  bad('CAP-C03', 'more than one subjectAltName')('two SAN extensions', ec({ attributes: asking(san(uri(WORKLOAD)), san(uri(WORKLOAD))) })),
  bad('CAP-C03', 'a DNS name')('a DNS name', withNames(dns('demo.default.svc'))),
  bad('CAP-C03', 'a DNS name')('a DNS name behind the URI', withNames(uri(WORKLOAD), dns('demo.default.svc'))),
  bad('CAP-C03', 'an IP address')('an IP address', withNames(tlv(0x87, '0a000001'))),
  bad('CAP-C03', 'an email address')('an email address', withNames(tlv(0x81, text('demo@cluster.local')))),
  bad('CAP-C03', 'a directory name')('a directory name', withNames(tlv(0xa4, seq()))),
  bad('CAP-C03', 'an otherName')('an otherName', withNames(tlv(0xa0, '060355040a', tlv(0xa0, '0c00')))),
  bad('CAP-C03', 'a registered ID')('a registered ID', withNames(tlv(0x88, '55040a'))),
  bad('CAP-C03', '2 URIs')('two URIs', withNames(uri(WORKLOAD), uri('spiffe://cluster.local/ns/default/sa/other'))),
  bad('CAP-C03', '2 URIs')('the same URI twice', withNames(uri(WORKLOAD), uri(WORKLOAD))),
  bad('CAP-C06', 'ns/default/sa/other')('another workload', withNames(uri('spiffe://cluster.local/ns/default/sa/other'))),
  bad('CAP-C06', 'spiffe://other.example')('another trust domain', withNames(uri('spiffe://other.example/ns/default/sa/demo'))),
  bad('CAP-C03', 'URI has an invalid path')('a percent-encoding', withNames(uri('spiffe://cluster.local/ns/default/sa/dem%6f'))),
  bad('CAP-C03', 'URI has an invalid path')('dot segments', withNames(uri('spiffe://cluster.local/ns/default/sa/x/../demo'))),
  bad('CAP-C03', 'URI does not start with spiffe://')('an upper-case scheme', withNames(uri('SPIFFE://cluster.local/ns/default/sa/demo'))),
  bad('CAP-C03', 'URI has no valid trust domain')('an upper-case trust domain', withNames(uri('spiffe://Cluster.local/ns/default/sa/demo'))),
  bad('CAP-C03', 'URI has an invalid path')('an empty path segment', withNames(uri('spiffe://cluster.local/ns//default/sa/demo'))),
  bad('CAP-C03', 'URI has an invalid path')('a trailing slash', withNames(uri(`${WORKLOAD}/`))),
  bad('CAP-C03', 'not printable ASCII')('a name in Latin-1', withNames(uri('spiffe://cluster.local/ns/default/sa/d\xe9mo'))),
  bad('CAP-C03', 'not printable ASCII')('a name with a NUL', withNames(uri(`${WORKLOAD}\0.evil`))),
  bad('CAP-C03', 'longer than 2048 bytes')('2,049 bytes', withNames(uri(`${WORKLOAD}${'o'.repeat(2049 - WORKLOAD.length)}`))),
  bad('CAP-C03', 'URI does not start with spiffe://')('an https URI', withNames(uri('https://cluster.local/ns/default/sa/demo'))),
  bad('CAP-C03', 'URI does not start with spiffe://')('an empty URI', withNames(uri(''))),
];

/** The signature's first content byte counts its unused bits. */
function unusedBits(der: Buffer): Buffer {
  const copy = Buffer.from(der);
  const signature = copy.lastIndexOf(Buffer.from([0x00, 0x30]));
  copy[signature] = 1;
  return copy;
}

writeFileSync(path.join(import.meta.dirname, 'csr.json'), `${JSON.stringify(VECTORS, undefined, 2)}\n`);
