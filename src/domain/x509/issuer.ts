// An intermediate that signs, as far as the outside may know it: certificate and chain, no key.
import type { KeyObject } from 'node:crypto';
import { readCaCertificate, type CaCertificate } from './ca-certificate.ts';
import { decodePemBlocks } from './pem.ts';
import type { SignatureAlgorithm } from './signature-algorithm.ts';

/** Longest chain from the issuer up to, not including, an anchor. */
const MAX_CHAIN = 8;
/** An issuer's key must not be weaker than the keys it certifies. */
const MIN_RSA_BITS = 2048;

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
  /** The earliest end from here to the anchor: a leaf that outlives any of them is worth nothing. */
  readonly notAfterMs: number;
  /** Hex SHA-256 of the trust anchor that it chains to. */
  readonly anchorSha256: string;
  /** This certificate first, then upwards; no trust anchor. */
  readonly chainPems: readonly string[];

  private constructor(chain: readonly CaCertificate[], anchor: CaCertificate, facts: IssuerFacts) {
    const path = [...chain, anchor];
    this.id = facts.own.sha256.slice(0, 16);
    this.certificateDer = facts.own.der;
    this.subject = facts.own.subject;
    this.subjectDer = facts.own.subjectDer;
    this.subjectKeyId = facts.subjectKeyId;
    this.publicKey = facts.own.x509.publicKey;
    this.algorithm = facts.algorithm;
    this.notBeforeMs = Math.max(...path.map((link) => link.notBeforeMs));
    this.notAfterMs = Math.min(...path.map((link) => link.notAfterMs));
    this.anchorSha256 = anchor.sha256;
    this.chainPems = chain.map((link) => link.pem);
  }

  /**
   * @param chainPem the issuer's certificate, then upwards; anchors at its end are left out.
   * @param anchors what the chain must reach (RFC 5280 section 6.1, without policies and name constraints).
   * @returns the issuer, or why this chain cannot sign. Whether it is valid now is asked at each issuance.
   */
  static fromPem(chainPem: string, anchors: readonly CaCertificate[]): Issuer | { readonly problem: string } {
    const chain = readChain(chainPem, anchors);
    if ('problem' in chain) return chain;
    const facts = issuerFacts(chain[0]);
    if ('problem' in facts) return facts;
    const anchor = anchorOf(chain, anchors);
    if ('problem' in anchor) return anchor;
    const issuer = new Issuer(chain, anchor, facts);
    return issuer.notBeforeMs < issuer.notAfterMs ? issuer : { problem: 'has a chain that is valid at no time' };
  }
}

interface IssuerFacts {
  readonly own: CaCertificate;
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
    chain.push(link);
  }
  const isAnchor = ({ sha256 }: CaCertificate): boolean => anchors.some((anchor) => anchor.sha256 === sha256);
  return chain.slice(0, chain.findLastIndex((link) => !isAnchor(link)) + 1);
}

function issuerFacts(own: CaCertificate | undefined): IssuerFacts | { readonly problem: string } {
  if (own === undefined) return { problem: 'has only trust anchors; an intermediate signs' };
  const { x509, subjectKeyId } = own;
  if (subjectKeyId === undefined) return { problem: 'has no subject key identifier' };
  const algorithm = algorithmOf(x509.publicKey);
  return algorithm === undefined
    ? { problem: `has a key that is not P-256, P-384 or RSA of at least ${MIN_RSA_BITS} bits` }
    : { own, subjectKeyId, algorithm };
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): SignatureAlgorithm | undefined {
  const { namedCurve, modulusLength = 0 } = asymmetricKeyDetails ?? {};
  if (asymmetricKeyType === 'rsa' && modulusLength >= MIN_RSA_BITS) return 'rsa-sha256';
  if (namedCurve === 'prime256v1') return 'ecdsa-p256-sha256';
  return namedCurve === 'secp384r1' ? 'ecdsa-p384-sha384' : undefined;
}

/** Walks upwards; each link must be signed by the next, the last by an anchor. @returns the latest-ending of those. */
function anchorOf(
  chain: readonly CaCertificate[],
  anchors: readonly CaCertificate[],
): CaCertificate | { readonly problem: string } {
  for (const [below, link] of chain.entries()) {
    const next = chain[below + 1];
    if (next !== undefined && !signed(link, next)) return notSigned(link, next.subject);
    if (link.pathLength < below) return { problem: `certificate ${link.subject} allows fewer intermediates below it` };
  }
  const top = chain.at(-1);
  const [anchor] = anchors
    .filter((candidate) => top !== undefined && signed(top, candidate) && candidate.pathLength >= chain.length)
    .sort((a, b) => b.notAfterMs - a.notAfterMs);
  return anchor ?? notSigned(top, 'any trust anchor that allows so many intermediates');
}

function signed({ x509 }: CaCertificate, by: CaCertificate): boolean {
  return x509.checkIssued(by.x509) && x509.verify(by.x509.publicKey);
}

function notSigned(link: CaCertificate | undefined, by: string): { readonly problem: string } {
  return { problem: `certificate ${link?.subject ?? ''} is not signed by ${by}` };
}
