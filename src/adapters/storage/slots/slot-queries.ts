// The questions about what was issued, asked of all journals of a store in turn: synchronous, for the thread that reads.
// Which journals there are is looked up by the first question: they are listed before any of them is written.
import type { CurrentCertificate } from '../../../domain/policy/request.ts';
import type { LeafNames, LeafRecord } from '../../../ports/storage/issuance-history.ts';
import type { FormerIssuer } from '../../../ports/storage/issuer-records.ts';
import { JournalQueries } from '../sqlite/reading/journal-queries.ts';
import { journalsOf } from './journal-slots.ts';

/** Every method throws JournalProblem; one journal that cannot be read is never taken for one that knows nothing. */
export class SlotQueries implements Disposable {
  readonly #file: string;
  #journals: readonly JournalQueries[] | undefined;

  /** @param file the store's. */
  constructor(file: string) {
    this.#file = file;
  }

  /** The newest over all journals that is valid at `nowMs`. */
  currentCertificateOf(identity: string, nowMs: number): CurrentCertificate | undefined {
    const found = this.#each().flatMap((journal) => journal.currentCertificateOf(identity, nowMs) ?? []);
    return found.reduce<CurrentCertificate | undefined>(
      (newest, next) => (newest !== undefined && newest.issuedMs >= next.issuedMs ? newest : next),
      undefined,
    );
  }

  /** Whichever has it: a serial was given out once. */
  recordOf(leaf: LeafNames): LeafRecord | undefined {
    for (const journal of this.#each()) {
      const record = journal.recordOf(leaf);
      if (record !== undefined) return record;
    }
    return undefined;
  }

  /** All of them, each until its last leaf of any journal is over. */
  issuersAt(nowMs: number): readonly FormerIssuer[] {
    const issuers = new Map<string, FormerIssuer>();
    for (const issuer of this.#each().flatMap((journal) => journal.issuersAt(nowMs))) {
      const der = Buffer.from(issuer.certificateDer).toString('base64');
      const known = issuers.get(der);
      if (known === undefined || known.untilMs < issuer.untilMs) issuers.set(der, issuer);
    }
    return [...issuers.values()];
  }

  [Symbol.dispose](): void {
    for (const journal of this.#journals ?? []) journal[Symbol.dispose]();
    this.#journals = undefined;
  }

  #each(): readonly JournalQueries[] {
    return (this.#journals ??= journalsOf(this.#file).map((journal) => new JournalQueries(journal)));
  }
}
