// Which of the operator's trust anchors go out at a moment. BoringSSL takes the first anchor of the right name
// whether it is valid or not, so an ended twin of a root, before the root itself, fails every handshake of Envoy.
import { sameBytes } from '../x509/path/certificate.ts';
import type { CaCertificate } from '../x509/ca-certificate.ts';

export interface WithheldAnchor {
  readonly anchor: CaCertificate;
  /** In words that name it. */
  readonly problem: string;
  /** It should be taken out of the file, or its time is yet to come. */
  readonly ended: boolean;
}

export interface AnchorsInForce {
  readonly anchors: readonly CaCertificate[];
  readonly withheld: readonly WithheldAnchor[];
}

/**
 * Of anchors with the same subject and key one goes out: the one that certificates below name by its serial, else
 * of those that are valid the one that ends last. A new key may be published ahead of its time.
 * @param given in the operator's order, which is kept but for anchors ahead of their time whose name a valid one has.
 */
export function anchorsInForce(
  given: readonly CaCertificate[],
  nowMs: number,
  named: ReadonlySet<string> = new Set(),
): AnchorsInForce {
  const alive = given.filter(({ notAfterMs }) => notAfterMs > nowMs);
  const chosen = new Set(
    alive.map((anchor) =>
      bestOf(
        alive.filter((other) => areTwins(anchor, other)),
        nowMs,
        named,
      ),
    ),
  );
  const anchors = alive.filter((anchor) => chosen.has(anchor));
  const early = anchors.filter((anchor) => isEarlyNamesake(anchor, anchors, nowMs));
  return {
    anchors: [...anchors.filter((anchor) => !early.includes(anchor)), ...early],
    withheld: given.filter((anchor) => !chosen.has(anchor)).map((anchor) => withheld(anchor, nowMs)),
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

function bestOf(twins: readonly CaCertificate[], nowMs: number, named: ReadonlySet<string>): CaCertificate | undefined {
  const begun = twins.filter(({ notBeforeMs }) => notBeforeMs <= nowMs);
  // None has begun: the first to begin, published ahead.
  if (begun.length === 0) return [...twins].sort((a, b) => a.notBeforeMs - b.notBeforeMs)[0];
  const rank = ({ serial }: CaCertificate): number => (named.has(serial) ? 0 : 1);
  return begun.sort((a, b) => rank(a) - rank(b) || b.notAfterMs - a.notAfterMs)[0];
}

/** A verifier that finds anchors by name alone must come upon the one that is valid. */
function isEarlyNamesake(anchor: CaCertificate, anchors: readonly CaCertificate[], nowMs: number): boolean {
  if (anchor.notBeforeMs <= nowMs) return false;
  return anchors.some((other) => other.notBeforeMs <= nowMs && sameBytes(other.subjectDer, anchor.subjectDer));
}

function withheld(anchor: CaCertificate, nowMs: number): WithheldAnchor {
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
