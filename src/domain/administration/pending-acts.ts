// Acts of operators that wait for a second person, in whatever ledger: each is called by a digest of its content, waits an hour,
// and is one of a bounded number. A change gives another value.
import { createHash } from 'node:crypto';
import { canonicalJson } from '../text/canonical-json.ts';

/** Who asks, and when. */
export interface Asking {
  /** In ms since the epoch. */
  readonly timeMs: number;
  readonly actor: string;
  readonly role: string;
  /** Every name by which who asked is known. Absent, the actor alone. */
  readonly names?: readonly string[];
}

/** What an act has while it waits. */
export interface Waiting extends Asking {
  /** Names the content. */
  readonly digest: string;
  /** It lapses then, in ms since the epoch. */
  readonly untilMs: number;
}

/** Of a ledger, those that wait, oldest first. */
export interface HasPending<A> {
  readonly pending: readonly (A & Waiting)[];
}

export const PENDING_MS = 3_600_000;

export interface PendingActsSettings<A> {
  /** What two persons have to mean alike: everything but who wants it and when. As JSON. */
  readonly contentOf: (act: A) => unknown;
  /** So many wait at most. */
  readonly most: number;
}

/** What is done with the acts of one kind of ledger while they wait. */
export class PendingActs<A extends object> {
  readonly most: number;
  readonly #contentOf: (act: A) => unknown;

  constructor({ contentOf, most }: PendingActsSettings<A>) {
    this.#contentOf = contentOf;
    this.most = most;
  }

  /** @returns hex, half of a SHA-256. */
  digestOf(act: A): string {
    return createHash('sha256')
      .update(canonicalJson(this.#contentOf(act)))
      .digest('hex')
      .slice(0, 32);
  }

  /** Those that still wait at a moment. */
  at({ pending }: HasPending<A>, nowMs: number): readonly (A & Waiting)[] {
    return pending.filter(({ untilMs }) => nowMs < untilMs);
  }

  /** @returns the one of that digest that still waits, by its content as it stands: what was changed in the ledger is another act. */
  find(ledger: HasPending<A>, digest: string, nowMs: number): (A & Waiting) | undefined {
    return this.at(ledger, nowMs).find((one) => one.digest === digest && this.digestOf(one) === digest);
  }

  /** @returns the ledger with the act pending, without those that lapsed; or why not, to follow what the act is about. */
  proposed<L extends HasPending<A>>(
    ledger: L,
    wanted: A,
    { timeMs, actor, role, names }: Asking,
  ): { readonly ledger: L; readonly act: A & Waiting } | { readonly problem: string } {
    const pending = this.at(ledger, timeMs);
    const digest = this.digestOf(wanted);
    if (pending.some((one) => one.digest === digest))
      return { problem: `is pending already as ${digest}: approve that` };
    if (pending.length >= this.most) return { problem: `cannot wait: ${this.most} acts do already` };
    const by = { timeMs, actor, role, ...(names !== undefined && { names }) };
    const act = { ...wanted, digest, ...by, untilMs: timeMs + PENDING_MS };
    return { ledger: { ...ledger, pending: [...pending, act] }, act };
  }

  /** @returns the ledger without the pending act, which is done or dropped, and without those that lapsed. */
  settled<L extends HasPending<A>>(ledger: L, digest: string, nowMs: number): L {
    return { ...ledger, pending: this.at(ledger, nowMs).filter((one) => one.digest !== digest) };
  }
}
