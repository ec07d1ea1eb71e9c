// The evidence of trust in all journals of a store: identity by identity, so that one identity is held at a time however many
// there are. Synchronous, for a thread of its own.
import type { WorkloadEvidence } from '../../../domain/trust/rotation/evidence.ts';
import { bundlesFrom, notEnded, podUidsOf, workloadsFrom } from '../readings/evidence-records.ts';
import { JournalQueries } from '../sqlite/reading/journal-queries.ts';
import { journalsOf } from './journal-slots.ts';

/** Workloads whose ends are asked for at once. */
const STEP = 500;

/** Every method throws JournalProblem; one journal that cannot be read is never taken for one that knows nothing. */
export class SlotEvidence implements Disposable {
  readonly #journals: readonly JournalQueries[];

  /** @param file the store's. */
  constructor(file: string) {
    this.#journals = journalsOf(file).map((journal) => new JournalQueries(journal));
  }

  /** As EvidenceReader; between two identities nothing of it gives nothing, so that whoever waits hears in time. */
  *liveWorkloads(nowMs: number): Generator<readonly WorkloadEvidence[], void, undefined> {
    const bundles = bundlesFrom(this.#journals.flatMap(({ evidence }) => evidence.bundles()));
    for (const subject of this.#subjects()) {
      const groups = this.#journals.flatMap(({ evidence }) => evidence.liveOf(subject, nowMs));
      const proxies = groups.length === 0 ? [] : this.#journals.flatMap(({ evidence }) => evidence.proxiesOf(subject));
      const found = workloadsFrom(groups, proxies, bundles);
      for (let first = 0; first < found.length; first += STEP) {
        const some = found.slice(first, first + STEP);
        yield notEnded(some, this.#closed(podUidsOf(some)));
      }
      if (found.length === 0) yield [];
    }
  }

  /** As EvidenceReader. */
  lastIssuedMs(beforeMs: number): number | undefined {
    const times = this.#journals.flatMap(({ evidence }) => evidence.lastIssuedMs(beforeMs) ?? []);
    return times.length === 0 ? undefined : Math.max(...times);
  }

  [Symbol.dispose](): void {
    for (const journal of this.#journals) journal[Symbol.dispose]();
  }

  #closed(podUids: readonly string[]) {
    return podUids.length === 0 ? [] : this.#journals.flatMap(({ pods }) => pods.closedPods(podUids));
  }

  /** Each once, in the order of the indexes, which is that of the bytes. */
  *#subjects(): Generator<string, void, undefined> {
    const heads = this.#journals.map(({ evidence }) => evidence.nextSubject(''));
    for (;;) {
      const first = heads.reduce((least, head) => (isBefore(head, least) ? head : least), undefined);
      if (first === undefined) return;
      yield first;
      for (const [index, { evidence }] of this.#journals.entries()) {
        if (heads[index] === first) heads[index] = evidence.nextSubject(first);
      }
    }
  }
}

function isBefore(head: string | undefined, least: string | undefined): boolean {
  if (head === undefined) return false;
  return least === undefined || Buffer.compare(Buffer.from(head), Buffer.from(least)) < 0;
}
