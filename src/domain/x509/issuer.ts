// An intermediate that signs, as far as the outside may know it: certificate and chain, no key.
import type { KeyObject } from 'node:crypto';
import { readCaCertificate, type CaCertificate } from './ca-certificate.ts';
import { decodePemBlocks } from './pem.ts';
import type { SignatureAlgorithm } from './signature-algorithm.ts';

/** Longest chain from the issuer up to, not including, an anchor. */
const MAX_CHAIN = 8;

export class Issuer {
  /** First 16 hex digits of the certificate's SHA-256. */
  readonly id: string;
  readonly certificateDer: Uint8Array;
  readonly subject: string;
  readonly subjectDer: Uint8Array;
  readonly subjectKeyId: Uint8Array;
  readonly publicKey: KeyObject;
  readonly algorithm: SignatureAlgorithm;
  readonly notBeforeMs: number;
  /** The earliest end in the chain: a leaf that outlives any link is worth nothing. */
  readonly notAfterMs: number;
  /** This certificate first, then upwards; no trust anchor. */
  readonly chainPems: readonly string[];

  private constructor(chain: readonly CaCertificate[], own: CaCertificate, facts: IssuerFacts) {
    this.id = own.sha256.slice(0, 16);
    this.certificateDer = own.der;
    this.subject = own.subject;
    this.subjectDer = own.subjectDer;
    this.subjectKeyId = facts.subjectKeyId;
    this.publicKey = own.x509.publicKey;
    this.algorithm = facts.algorithm;
    this.notBeforeMs = Math.max(...chain.map((link) => link.notBeforeMs));
    this.notAfterMs = Math.min(...chain.map((link) => link.notAfterMs));
    this.chainPems = chain.map((link) => link.pem);
  }

  /**
   * @param chainPem the issuer's certificate, then upwards; anchors at its end are left out.
   * @param anchors what the chain must reach (RFC 5280 section 6.1, without policies).
   * @returns the issuer, or why this chain cannot sign.
   */
  static fromPem(chainPem: string, anchors: readonly CaCertificate[]): Issuer | { readonly problem: string } {
    const chain = readChain(chainPem, anchors);
    if ('problem' in chain) return chain;
    const [own] = chain;
    if (own === undefined) return { problem: 'has only trust anchors; an intermediate signs' };
    const facts = issuerFacts(own);
    if ('problem' in facts) return facts;
    const broken = brokenLink(chain, anchors);
    return broken === undefined ? new Issuer(chain, own, facts) : { problem: broken };
  }
}

interface IssuerFacts {
  readonly subjectKeyId: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
}

function readChain(pem: string, anchors: readonly CaCertificate[]): readonly CaCertificate[] | { problem: string } {
  const blocks = decodePemBlocks(pem, 'CERTIFICATE');
  if ('problem' in blocks) return blocks;
  if (blocks.length > MAX_CHAIN) return { problem: `has ${blocks.length} certificates, allowed ${MAX_CHAIN}` };
  const chain: CaCertificate[] = [];
  for (const block of blocks) {
    const link = readCaCertificate(block);
    if ('problem' in link) return link;
    if (!anchors.some((anchor) => anchor.sha256 === link.sha256)) chain.push(link);
  }
  return chain;
}

function issuerFacts({ x509, subjectKeyId, maySign }: CaCertificate): IssuerFacts | { readonly problem: string } {
  if (subjectKeyId === undefined) return { problem: 'has no subject key identifier' };
  if (!maySign) return { problem: 'has a key usage without keyCertSign' };
  const algorithm = algorithmOf(x509.publicKey);
  return algorithm === undefined
    ? { problem: 'has a key that is not P-256, P-384 or RSA' }
    : { subjectKeyId, algorithm };
}

function algorithmOf(key: KeyObject): SignatureAlgorithm | undefined {
  if (key.asymmetricKeyType === 'rsa') return 'rsa-sha256';
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve === 'prime256v1') return 'ecdsa-p256-sha256';
  return curve === 'secp384r1' ? 'ecdsa-p384-sha384' : undefined;
}

/** Walks upwards; each link must be signed by the next, the last by an anchor. */
function brokenLink(chain: readonly CaCertificate[], anchors: readonly CaCertificate[]): string | undefined {
  for (const [index, link] of chain.entries()) {
    const next = chain[index + 1];
    const signers = next === undefined ? anchors : [next];
    const signed = signers.some(({ x509 }) => link.x509.checkIssued(x509) && link.x509.verify(x509.publicKey));
    if (!signed) return `certificate ${link.subject} is not signed by ${next?.subject ?? 'any trust anchor'}`;
  }
  return undefined;
}
