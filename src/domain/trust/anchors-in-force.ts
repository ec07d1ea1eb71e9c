// Which of the operator's trust anchors go out at a moment. BoringSSL takes one anchor of the right name and key
// identifier, valid or not: Envoy 1.40 the first, 1.36 the last. So a twin of a root that has ended, or has not begun,
// fails every handshake of one of them, in either order.
import { sameBytes, type PathCertificate } from '../x509/path/certificate.ts';
import { isNamed } from '../x509/path/find-paths.ts';
import { keyIdProblems } from '../x509/path/judge-path.ts';
import type { CaCertificate } from '../x509/ca-certificate.ts';

export interface UndistributedAnchor {
  readonly anchor: CaCertificate;
  /** In words that name it. */
  readonly problem: string;
  /** It should be taken out of the file, or its time is yet to come. */
  readonly ended: boolean;
}

export interface AnchorsInForce {
  readonly anchors: readonly CaCertificate[];
  readonly undistributed: readonly UndistributedAnchor[];
}

/**
 * Of anchors with the same subject and key one goes out: of those that are valid the one that ends last, where it is the one that
 * certificates below mean by its serial or key identifier. A new key may be published ahead of its time.
 * @param given in the operator's order, which is kept.
 * @param below certificates that are to lead to these anchors.
 */
export function anchorsInForce(
  given: readonly CaCertificate[],
  nowMs: number,
  below: readonly PathCertificate[] = [],
): AnchorsInForce {
  const alive = given.filter(({ notAfterMs }) => notAfterMs > nowMs);
  const chosen = new Set(
    alive.map((anchor) =>
      bestOf(
        alive.filter((other) => areTwins(anchor, other)),
        nowMs,
        below,
      ),
    ),
  );
  return {
    anchors: alive.filter((anchor) => chosen.has(anchor)),
    undistributed: given.filter((anchor) => !chosen.has(anchor)).map((anchor) => undistributed(anchor, nowMs)),
  };
}

/** @returns the next moment at which an anchor begins or ends; Infinity for none. */
export function nextChangeMs(given: readonly CaCertificate[], nowMs: number): number {
  const instants = given.flatMap(({ notBeforeMs, notAfterMs }) => [notBeforeMs, notAfterMs]);
  return instants.reduce((first, instant) => (instant > nowMs && instant < first ? instant : first), Infinity);
}

function areTwins(one: CaCertificate, other: CaCertificate): boolean {
  return sameBytes(one.subjectDer, other.subjectDer) && sameBytes(one.spki, other.spki);
}

function bestOf(
  twins: readonly CaCertificate[],
  nowMs: number,
  below: readonly PathCertificate[],
): CaCertificate | undefined {
  const begun = twins.filter(({ notBeforeMs }) => notBeforeMs <= nowMs);
  // None has begun: the first to begin, published ahead.
  if (begun.length === 0) return [...twins].sort((a, b) => a.notBeforeMs - b.notBeforeMs)[0];
  // Those below that would not take it for their issuer: OpenSSL and BoringSSL go by what they name.
  const rank = (anchor: CaCertificate): number =>
    below.filter((one) => isNamed(anchor, one) && keyIdProblems(one, anchor).length > 0).length;
  return begun.sort((a, b) => rank(a) - rank(b) || b.notAfterMs - a.notAfterMs)[0];
}

function undistributed(anchor: CaCertificate, nowMs: number): UndistributedAnchor {
  const { subject, sha256, notBeforeMs, notAfterMs } = anchor;
  const who = `${subject} (SHA-256 ${sha256.slice(0, 16)})`;
  if (notAfterMs <= nowMs) return { anchor, ended: true, problem: `${who} ended at ${iso(notAfterMs)}` };
  return notBeforeMs > nowMs
    ? {
        anchor,
        ended: false,
        problem: `${who} begins at ${iso(notBeforeMs)} and then succeeds the one of the same key`,
      }
    : { anchor, ended: false, problem: `${who} has been succeeded by one of the same key that ends later` };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
