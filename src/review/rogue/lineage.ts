// Which certificates hang on given anchors, walked from the anchors down: a name and a signature for each step, by CAs that may
// sign (RFC 5280 sections 4.2.1.3 and 4.2.1.9). Who leaves most room below goes first, so each key is looked at once, and the cost
// grows with the number of certificates and not with the number of paths. Whether a path is valid now is not the question: who made it is.
import { isSelfIssued, type PathCertificate } from '../../domain/x509/path/certificate.ts';
import { KEY_CERT_SIGN } from '../../domain/x509/path/extensions.ts';
import type { Namesakes, SameKey } from './namesakes.ts';
import type { Signatures } from './signatures.ts';

/** How a certificate hangs on the anchors: as each CA above allows, below one that allows no CA there, or nobody knows. */
export type Lineage = 'within' | 'beyond path length' | 'unchecked';

/** So many CAs may stand below one; where that is exceeded, less than none. */
const EXCEEDED = -1;
/** No peer follows a longer path (OpenSSL's own bound), so a CA that allows more allows all. */
const LONGEST_PATH = 100;

/** @returns what hangs on the anchors, they themselves included, by SHA-256; what is not there does not. @throws the signal's reason. */
export async function lineageFrom(
  anchors: readonly PathCertificate[],
  namesakes: Namesakes,
  signatures: Signatures,
): Promise<ReadonlyMap<string, Lineage>> {
  const walk = new Walk(namesakes);
  for (const anchor of anchors) walk.reach(anchor, pathLengthOf(anchor));
  for (let next = walk.roomiest(); next !== undefined; next = walk.roomiest()) {
    for (const below of namesakes.possiblySignedBy(next.above)) {
      const after = roomBelow(below, next.left);
      if (!walk.isNews(below, after)) continue;
      const signed = await signatures.made(below, next.above.any);
      if (signed === 'signed') walk.reach(below, after);
      else if (signed === 'unchecked') walk.unchecked.add(below.sha256);
    }
  }
  return walk.lineages();
}

/** What was reached so far, and whose keys are still to be looked at. */
class Walk {
  readonly unchecked = new Set<string>();
  readonly #namesakes: Namesakes;
  readonly #room = new Map<string, number>();
  /** By the room that they leave; few numbers, so the greatest is soon found. */
  readonly #open = new Map<number, SameKey[]>();
  readonly #looked = new Set<SameKey>();

  constructor(namesakes: Namesakes) {
    this.#namesakes = namesakes;
  }

  isNews({ sha256 }: PathCertificate, left: number): boolean {
    return (this.#room.get(sha256) ?? -Infinity) < left;
  }

  reach(certificate: PathCertificate, left: number): void {
    if (!this.isNews(certificate, left)) return;
    this.#room.set(certificate.sha256, left);
    const group = this.#namesakes.groupOf(certificate);
    if (!maySign(certificate) || this.#looked.has(group)) return;
    const open = this.#open.get(left) ?? [];
    open.push(group);
    this.#open.set(left, open);
  }

  /** @returns a key that has not been looked at, with what its certificates allow at most. */
  roomiest(): { readonly above: SameKey; readonly left: number } | undefined {
    while (this.#open.size > 0) {
      const left = Math.max(...this.#open.keys());
      const above = this.#open.get(left)?.pop();
      if (above === undefined) this.#open.delete(left);
      else if (!this.#looked.has(above)) {
        this.#looked.add(above);
        return { above, left };
      }
    }
    return undefined;
  }

  lineages(): ReadonlyMap<string, Lineage> {
    const unchecked = [...this.unchecked].map((sha256) => [sha256, 'unchecked'] as const);
    const reached = [...this.#room].map(
      ([sha256, left]) => [sha256, left === EXCEEDED ? 'beyond path length' : 'within'] as const,
    );
    return new Map<string, Lineage>([...unchecked, ...reached]);
  }
}

export function isCa({ extensions }: PathCertificate): boolean {
  return extensions.basicConstraints?.ca === true;
}

/** Certificates that are self-issued do not count (RFC 5280 section 4.2.1.9), nor do leaves. */
function roomBelow(below: PathCertificate, left: number): number {
  if (left === EXCEEDED || !isCa(below)) return left;
  const cost = isSelfIssued(below) ? 0 : 1;
  return Math.min(left - cost, pathLengthOf(below));
}

function pathLengthOf({ extensions }: PathCertificate): number {
  const length = extensions.basicConstraints?.pathLength ?? Infinity;
  return length > LONGEST_PATH ? Infinity : length;
}

/** A version 1 certificate cannot say that it is a CA, and is none. */
function maySign(certificate: PathCertificate): boolean {
  const { keyUsage } = certificate.extensions;
  return isCa(certificate) && (keyUsage === undefined || (keyUsage & KEY_CERT_SIGN) !== 0);
}
