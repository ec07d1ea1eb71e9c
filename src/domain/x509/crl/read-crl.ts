// A certificate revocation list as it was received or signed, read strictly (RFC 5280 section 5). It shares nothing with
// what writes one here but the tags. Lists that are not the whole truth about one CA are told by their critical extensions.
import { createHash } from 'node:crypto';
import { DerError, DerReader, dotted, TAG } from '../der.ts';
import { hexNumber } from '../path/extensions.ts';
import { decodePemBlocks, encodePem } from '../pem.ts';

export interface Crl {
  readonly der: Uint8Array;
  readonly pem: string;
  /** Hex SHA-256 of the DER. */
  readonly sha256: string;
  /** What the signature is over. */
  readonly tbs: Uint8Array;
  /** Dotted. */
  readonly algorithm: string;
  readonly signature: Uint8Array;
  /** Whole DER of the issuer's name. */
  readonly issuerDer: Uint8Array;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  /** Hex of the CRL number; absent in a list that has none. */
  readonly number: string | undefined;
  readonly authorityKeyId: Uint8Array | undefined;
  /** Of revoked certificates: lower-case hex, no leading zeros. */
  readonly serials: ReadonlySet<string>;
}

/** Of one text: as many CAs as stand above any mesh. */
export const MAX_CRLS = 64;
/** A root's list has a handful of entries; one of an issuer here has 100,000 at most. */
export const MAX_CRL_BYTES = 8 * 1024 * 1024;

const EXTENSIONS = 0xa0;
const KEY_ID = 0x80;
const CRL_NUMBER = '2.5.29.20';
const AUTHORITY_KEY_ID = '2.5.29.35';
/** Of extensions that change what a list means, in words that follow "is". */
const PARTIAL: Readonly<Record<string, string>> = {
  '2.5.29.27': 'a delta CRL: give the complete one',
  '2.5.29.28': 'limited by an issuing distribution point: give the CRL of the whole CA, without that extension',
};

/** @returns the lists of a PEM text, at least one; or why it has none that peers of a mesh could use. */
export function readCrls(pem: string): readonly Crl[] | { readonly problem: string } {
  const blocks = decodePemBlocks(pem, 'X509 CRL');
  if ('problem' in blocks) return blocks;
  if (blocks.length > MAX_CRLS) return { problem: `has ${blocks.length} CRLs, allowed ${MAX_CRLS}` };
  const crls: Crl[] = [];
  for (const block of blocks) {
    const crl = readCrl(block);
    if ('problem' in crl) return crl;
    crls.push(crl);
  }
  return crls;
}

/** @returns the list, or why it is none that a peer of a mesh could use. */
export function readCrl(der: Uint8Array): Crl | { readonly problem: string } {
  if (der.length > MAX_CRL_BYTES) return { problem: `has a CRL of ${der.length} bytes, allowed ${MAX_CRL_BYTES}` };
  try {
    return read(der);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return { problem: `has a CRL that does not parse: ${error.message}` };
  }
}

function read(der: Uint8Array): Crl | { readonly problem: string } {
  const whole = DerReader.over(der);
  const list = whole.enter(TAG.sequence, 'CertificateList');
  whole.finish('CertificateList');
  const tbs = list.readWhole(TAG.sequence, 'tbsCertList');
  const outer = list.readWhole(TAG.sequence, 'signatureAlgorithm');
  const signature = list.readBits('signature');
  list.finish('CertificateList');
  const fields = DerReader.over(tbs).enter(TAG.sequence, 'tbsCertList');
  // Version 1 has none, and no extensions: `openssl ca -gencrl` writes it unless it is told otherwise, and peers take it.
  if (fields.nextTag === TAG.integer && fields.read(TAG.integer, 'version')[0] !== 1)
    throw new DerError('version is not 2');
  // Otherwise the algorithm could be changed by whoever carries the list (section 5.1.1.2).
  if (!fields.skip(outer)) throw new DerError('the two signature algorithms differ');
  const algorithm = dotted(DerReader.over(outer).enter(TAG.sequence, 'signatureAlgorithm').read(TAG.oid, 'algorithm'));
  const issuerDer = fields.readWhole(TAG.sequence, 'issuer');
  const thisUpdateMs = readTime(fields, 'thisUpdate');
  if (!isTime(fields.nextTag))
    return { problem: 'has a CRL without nextUpdate: nobody can tell when it is out of date' };
  const nextUpdateMs = readTime(fields, 'nextUpdate');
  const revoked = fields.nextTag === TAG.sequence ? readRevoked(fields.enter(TAG.sequence, 'revokedCertificates')) : [];
  const extensions = readExtensions(fields);
  if ('problem' in extensions) return extensions;
  if ('problem' in revoked) return revoked;
  return {
    der,
    pem: encodePem('X509 CRL', der),
    sha256: createHash('sha256').update(der).digest('hex'),
    tbs,
    algorithm,
    signature,
    issuerDer,
    thisUpdateMs,
    nextUpdateMs,
    ...extensions,
    serials: new Set(revoked),
  };
}

function readRevoked(list: DerReader): readonly string[] | { readonly problem: string } {
  const serials: string[] = [];
  while (!list.done) {
    const entry = list.enter(TAG.sequence, 'revoked certificate');
    serials.push(hexNumber(entry.read(TAG.integer, 'serial')));
    readTime(entry, 'revocationDate');
    if (entry.done) continue;
    const problem = entryProblem(entry.enter(TAG.sequence, 'entry extensions'));
    if (problem !== undefined) return { problem };
  }
  return serials;
}

/** A critical one that is not known makes the whole list useless to a verifier (section 5.3); certificateIssuer is one. */
function entryProblem(extensions: DerReader): string | undefined {
  while (!extensions.done) {
    const { type, critical } = readExtension(extensions);
    if (critical) return `has a CRL with the critical entry extension ${type}, which mesh peers do not understand`;
  }
  return undefined;
}

type Extensions = Pick<Crl, 'number' | 'authorityKeyId'>;

function readExtensions(fields: DerReader): Extensions | { readonly problem: string } {
  let [number, authorityKeyId]: [string | undefined, Uint8Array | undefined] = [undefined, undefined];
  if (fields.done) return { number, authorityKeyId };
  const list = fields.enter(EXTENSIONS, 'crlExtensions').enter(TAG.sequence, 'crlExtensions');
  fields.finish('tbsCertList');
  while (!list.done) {
    const { type, critical, value } = readExtension(list);
    const partial = PARTIAL[type];
    if (partial !== undefined) return { problem: `has a CRL that is ${partial}` };
    if (type === CRL_NUMBER) number = hexNumber(value.read(TAG.integer, 'cRLNumber'));
    else if (type === AUTHORITY_KEY_ID) authorityKeyId = keyIdIn(value.enter(TAG.sequence, 'authorityKeyIdentifier'));
    else if (critical)
      return { problem: `has a CRL with the critical extension ${type}, which mesh peers do not understand` };
  }
  return { number, authorityKeyId };
}

function keyIdIn(fields: DerReader): Uint8Array | undefined {
  return fields.nextTag === KEY_ID ? fields.read(KEY_ID, 'keyIdentifier') : undefined;
}

function readExtension(list: DerReader): {
  readonly type: string;
  readonly critical: boolean;
  readonly value: DerReader;
} {
  const extension = list.enter(TAG.sequence, 'extension');
  const type = dotted(extension.read(TAG.oid, 'extension type'));
  const critical = extension.nextTag === TAG.boolean && extension.read(TAG.boolean, 'critical')[0] !== 0;
  return { type, critical, value: extension.enter(TAG.octetString, 'extension value') };
}

function isTime(tag: number): boolean {
  return tag === TAG.utcTime || tag === TAG.generalizedTime;
}

/** Seconds and Zulu, as RFC 5280 has them (section 5.1.2.4). Years of two digits: 50 to 99 are of the last century. */
function readTime(fields: DerReader, what: string): number {
  const generalized = fields.nextTag === TAG.generalizedTime;
  const text = fields.readLatin1(generalized ? TAG.generalizedTime : TAG.utcTime, what);
  const century = generalized ? '' : Number(text.slice(0, 2)) < 50 ? '20' : '19';
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(century + text);
  if (parts === null) throw new DerError(`${what} is no time`);
  const [, year, month, day, hour, minute, second] = parts;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(ms)) throw new DerError(`${what} is no time`);
  return ms;
}
