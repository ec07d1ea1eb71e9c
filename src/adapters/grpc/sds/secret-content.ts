// A secret as the session sees it: a version, and what to encode when it is sent. The version is a
// hash of the content, so it is the same in every replica and after every restart.
import { createHash } from 'node:crypto';
import type { WorkloadSvid } from '../../../authority/surface/surface.ts';
import type { TrustBundle } from '../../../domain/trust/bundle.ts';
import type { AuthorityError } from '../../../domain/errors.ts';
import type { RejectedSecret } from '../../../ports/platform/events.ts';

interface Versioned {
  readonly version: string;
  /** Before then it is not sent: the clock was set back since it was made; ms since the epoch. */
  readonly notBeforeMs: number;
  /** From then on it is not sent any more; ms since the epoch. */
  readonly notAfterMs: number;
}

export interface SvidContent extends Versioned {
  readonly kind: 'svid';
  readonly svid: WorkloadSvid;
}

export interface BundleContent extends Versioned {
  readonly kind: 'bundle';
  readonly bundle: TrustBundle;
  /** Revocation lists that go with it. */
  readonly crlPem: string | undefined;
  /** For Envoy's SPIFFE validator, or as plain `trusted_ca`. */
  readonly shape: BundleShape;
  /** Text outside the PEM blocks, which every reader passes over; usually empty. */
  readonly preamble: string;
}

export type BundleShape = 'plain' | 'spiffe-validator';
export type SecretContent = SvidContent | BundleContent;

/** The caller may not have this secret, or it cannot be made now; it may come later. */
export interface Unavailable {
  readonly unavailable: AuthorityError;
}

/** One kind of secret for one caller: what to send, or why nothing. */
export type Availability = SecretContent | Unavailable;

/** The certificate alone makes the version: it commits to the key, and the key stays out of names and logs. */
export function svidContent(svid: WorkloadSvid): SvidContent {
  const { notBeforeMs, notAfterMs } = svid;
  return { kind: 'svid', version: contentHash('svid', svid.certificateChainPem), notBeforeMs, notAfterMs, svid };
}

export function bundleContent(bundle: TrustBundle, shape: BundleShape): BundleContent {
  const anchorsMs = Math.max(...bundle.anchors.map((anchor) => anchor.notAfterMs));
  // Envoy ignores lists under its SPIFFE validator, and refuses every handshake once one of them is out of date.
  const lists = shape === 'plain' ? bundle.revocation : undefined;
  const notAfterMs = Math.min(anchorsMs, lists?.untilMs ?? Infinity);
  // Only the validator can tell trust domains apart; as plain anchors the others' would vouch for anybody.
  const others = shape === 'plain' ? [] : bundle.federated.flatMap(({ trustDomain, pem }) => [trustDomain, pem]);
  const version = contentHash(shape, bundle.pem, ...others, ...(lists === undefined ? [] : ['crl', lists.pem]));
  return { kind: 'bundle', version, notBeforeMs: 0, notAfterMs, bundle, crlPem: lists?.pem, shape, preamble: '' };
}

/**
 * The same anchors for a proxy that rejected them: Envoy compares bytes, and calls rejected ones accepted when
 * they come again, without using them (`SdsApi::onConfigUpdate` stores the hash before contexts are built).
 * RFC 7468 section 2 allows text before a block.
 */
export function withOtherBytes(content: BundleContent, reissue: number): BundleContent {
  const version = contentHash(content.version, String(reissue));
  return { ...content, version, preamble: `Offered again after a rejection: ${reissue}\n` };
}

/** @returns what is logged of a rejected secret: nothing of a key. */
export function rejectedSecret({
  name,
  content,
}: {
  readonly name: string;
  readonly content: SecretContent;
}): RejectedSecret {
  const { version } = content;
  return content.kind === 'svid'
    ? { name, version, serial: content.svid.serial }
    : { name, version, digest: content.bundle.digest };
}

/** @returns 32 hex digits of SHA-256 over the parts; no part can be mistaken for two. */
export function contentHash(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}
