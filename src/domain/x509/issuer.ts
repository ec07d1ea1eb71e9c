// An intermediate that signs, as far as the outside may know it: certificate and chain, no key.
import { createHash, type KeyObject } from 'node:crypto';
import { readCaCertificate, type CaCertificate } from './ca-certificate.ts';
import { findPaths, gapAbove, isAmong, signersOf } from './path/find-paths.ts';
import { judgePath, namesakeProblems, spanOf, timeProblems, type Purpose } from './path/judge-path.ts';
import { inSentence, type Path } from './path/path-problem.ts';
import { weaknessesOf } from './path/weaknesses.ts';
import { namedAs } from './path/certified-names.ts';
import { decodePemBlocks } from './pem.ts';
import { KEY_FAMILIES, KEY_TABLE, type SignatureAlgorithm } from './key-types.ts';
import { keyIdOf } from './public-key.ts';
import type { SubjectAltName } from './template.ts';

/** Longest chain from the issuer up to, not including, an anchor. */
const MAX_CHAIN = 8;

/** When and what for an issuer is looked at. */
export interface IssuerUse {
  readonly nowMs: number;
  /** Names that it will certify; a path whose constraints do not allow them does not count. */
  readonly names: readonly SubjectAltName[];
}

/** `of` tells which of the two texts is at fault. */
export interface IssuerProblem {
  readonly problem: string;
  readonly of: 'anchors' | 'chain';
}

export class Issuer {
  /** First 16 hex digits of the certificate's SHA-256. */
  readonly id: string;
  readonly certificateDer: Uint8Array;
  readonly subject: string;
  readonly subjectDer: Uint8Array;
  /** Its own, or made of its key as for any certificate of ours where it has none. */
  readonly subjectKeyId: Uint8Array;
  readonly publicKey: KeyObject;
  /** Hex, of its DER SubjectPublicKeyInfo: certificates of one key have it in common. */
  readonly publicKeySha256: string;
  readonly algorithm: SignatureAlgorithm;
  readonly notBeforeMs: number;
  /** The earliest end from here to the anchor: a leaf that outlives any of them is worth nothing. */
  readonly notAfterMs: number;
  /** Of its own certificate. */
  readonly ownNotBeforeMs: number;
  readonly ownNotAfterMs: number;
  /** Hex SHA-256 of the trust anchor of the path that ends last. */
  readonly anchorSha256: string;
  readonly anchorNotAfterMs: number;
  /** Hex SHA-256 of every trust anchor that it leads to now. */
  readonly anchors: readonly string[];
  /**
   * This certificate first, then upwards; no trust anchor. All that the path which ends last goes through, since leaves live as
   * long as that; above it what cross-signs its anchor, for peers that do not have the newest anchor yet.
   */
  readonly chainPems: readonly string[];
  /** How many CAs its certificate allows below it; Infinity where it sets no path length. */
  readonly pathLength: number;
  /** What works and should not be, in words. */
  readonly weaknesses: readonly string[];

  private constructor(paths: readonly [Path, ...Path[]], algorithm: SignatureAlgorithm) {
    const latest = latestEnding(paths);
    const [own] = latest;
    this.id = own.sha256.slice(0, 16);
    this.certificateDer = own.der;
    this.subject = own.subject;
    this.subjectDer = own.subjectDer;
    this.subjectKeyId = own.extensions.subjectKeyId ?? keyIdOf(own.spki);
    this.pathLength = own.extensions.basicConstraints?.pathLength ?? Infinity;
    this.publicKey = own.x509.publicKey;
    this.publicKeySha256 = createHash('sha256').update(own.spki).digest('hex');
    this.algorithm = algorithm;
    ({ notBeforeMs: this.notBeforeMs, notAfterMs: this.notAfterMs } = spanOf(latest));
    ({ notBeforeMs: this.ownNotBeforeMs, notAfterMs: this.ownNotAfterMs } = own);
    ({ sha256: this.anchorSha256, notAfterMs: this.anchorNotAfterMs } = anchorOf(latest));
    this.anchors = [...new Set(paths.map((path) => anchorOf(path).sha256))];
    this.chainPems = longestAlong(latest, paths)
      .slice(0, -1)
      .map(({ pem }) => pem);
    this.weaknesses = [...new Set(paths.flatMap(weaknessesOf).map(inSentence))];
  }

  /** @returns the same issuer, whose leaves carry this chain: its own first, then what leads peers to further anchors. */
  withChain(chainPems: readonly string[]): Issuer {
    return Object.assign(Object.create(Issuer.prototype) as Issuer, this, { chainPems });
  }

  /**
   * @param chainPem the issuer's certificate, then others in any order; what leads nowhere is left out.
   * @param anchors what the chain must reach.
   * @returns the issuer, or why this chain cannot sign now.
   */
  static fromPem(chainPem: string, anchors: readonly CaCertificate[], use: IssuerUse): Issuer | IssuerProblem {
    const chain = readChain(chainPem);
    if ('problem' in chain) return { ...chain, of: 'chain' };
    const [own, ...above] = chain;
    if (own === undefined || isAmong(own, anchors)) return inChain(ownProblem(own, above, anchors));
    const algorithm = algorithmOf(own.x509.publicKey);
    if (typeof algorithm === 'object') return { ...algorithm, of: 'chain' };
    const order = above.find((link) => signersOf(link, [own]).length > 0);
    if (order !== undefined) {
      return inChain(
        `begins with ${own.subject}, which signed ${order.subject}: the issuer's own certificate comes first`,
      );
    }
    const paths = usablePaths(own, above, anchors, use);
    return 'problem' in paths ? paths : new Issuer(paths, algorithm);
  }
}

/** Repeated certificates count once, as when a file is put together of Istio's ca-cert.pem and cert-chain.pem. */
function readChain(pem: string): readonly CaCertificate[] | { problem: string } {
  const blocks = decodePemBlocks(pem, 'CERTIFICATE');
  if ('problem' in blocks) return blocks;
  if (blocks.length > MAX_CHAIN) return { problem: `has ${blocks.length} certificates, allowed ${MAX_CHAIN}` };
  const chain: CaCertificate[] = [];
  for (const block of blocks) {
    const link = readCaCertificate(block);
    if ('problem' in link) return link;
    if (!isAmong(link, chain)) chain.push(link);
  }
  return chain;
}

function ownProblem(
  own: CaCertificate | undefined,
  above: readonly CaCertificate[],
  anchors: readonly CaCertificate[],
): string {
  const more = above.find((link) => !isAmong(link, anchors));
  return own === undefined || more === undefined
    ? 'has only trust anchors; an intermediate signs'
    : `begins with the trust anchor ${own.subject}: the issuer's own certificate comes first`;
}

/** A path that holds and is valid now; without one, what is wrong with the best there is. */
function usablePaths(
  own: CaCertificate,
  above: readonly CaCertificate[],
  anchors: readonly CaCertificate[],
  { nowMs, names }: IssuerUse,
): readonly [Path, ...Path[]] | IssuerProblem {
  const paths = findPaths(own, above, anchors);
  if (paths.length === 0) return inChain(gapAbove(own, above, anchors));
  const purpose: Purpose = { named: namedAs(names), uses: ['serverAuth', 'clientAuth'], policies: [] };
  const judged = paths.map((path) => ({
    path,
    problems: [...judgePath(path, purpose), ...namesakeProblems(path, anchors), ...timeProblems(path, nowMs)],
  }));
  const [first, ...rest] = judged.filter(({ problems }) => problems.length === 0).map(({ path }) => path);
  if (first !== undefined) return [first, ...rest];
  const best = judged.reduce((one, other) => (other.problems.length < one.problems.length ? other : one));
  const [worst] = best.problems;
  const problem = best.problems.map(inSentence).join('; ');
  return worst?.certificate === anchorOf(best.path) ? { problem, of: 'anchors' } : inChain(problem);
}

function latestEnding(paths: readonly [Path, ...Path[]]): Path {
  return paths.reduce((one, other) => (spanOf(other).notAfterMs > spanOf(one).notAfterMs ? other : one));
}

/**
 * @returns of the paths that go through all of this one below its anchor, the longest. A path beside it would not do: BoringSSL and
 * OpenSSL try one way up, and when a certificate of it ends while leaves live, every handshake fails.
 */
function longestAlong(path: Path, paths: readonly Path[]): Path {
  const below = path.slice(0, -1);
  const along = paths.filter((other) => below.every((certificate, at) => other[at] === certificate));
  return along.reduce((one, other) => (other.length > one.length ? other : one), path);
}

function anchorOf(path: Path): CaCertificate {
  return path.at(-1) ?? path[0];
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): SignatureAlgorithm | { problem: string } {
  const { namedCurve, modulusLength = 0 } = asymmetricKeyDetails ?? {};
  const row = KEY_FAMILIES.map((family) => KEY_TABLE[family]).find(({ kind, curve, rsaBits }) =>
    // An issuer's key must not be weaker than the keys it certifies; it may be longer.
    rsaBits === undefined ? curve?.name === namedCurve : asymmetricKeyType === kind && modulusLength >= rsaBits.least,
  );
  if (row !== undefined) return row.signs;
  return asymmetricKeyType === 'rsa-pss'
    ? {
        problem:
          'has an RSA key that is bound to RSASSA-PSS; Capstan signs with PKCS #1 v1.5: use a plain RSA key (rsaEncryption)',
      }
    : { problem: `has a key that is not P-256, P-384 or RSA of at least ${KEY_TABLE.rsa.rsaBits?.least} bits` };
}

function inChain(problem: string): IssuerProblem {
  return { problem, of: 'chain' };
}
