// The questions about what was issued, asked of all journals of a store in turn: synchronous, for the thread that reads.
// Which journals there are is looked up by the first question: they are listed before any of them is written. It imports much
// because it asks for every kind of record.
import type { CurrentCertificate } from '../../../domain/policy/request.ts';
import type { Ban } from '../../../domain/revocation/ban.ts';
import type { RecordedLeaf } from '../../../domain/revocation/revoked-leaves.ts';
import type { ClosedPod, ClosingQuery, ClosingRecord, FollowedUntil } from '../../../ports/storage/closing-journal.ts';
import type { DecisionRecord, JournalQuery } from '../../../ports/storage/issuance-journal.ts';
import type { LeafNames, LeafRecord } from '../../../ports/storage/issuance-history.ts';
import type { FormerIssuer } from '../../../ports/storage/issuer-records.ts';
import type {
  FoundRefused,
  OperationQuery,
  OperationRecord,
  RefusedIn,
} from '../../../ports/storage/operation-journal.ts';
import type { PodIssuance, PodIssuances } from '../../../ports/storage/pod-issuances.ts';
import type { LeafWindow, RevokedLeavesFound } from '../../../ports/storage/revoked-leaves.ts';
import type { IssuerFigures, LiveLeaves, StatisticsWindow } from '../../../ports/storage/issuer-statistics.ts';
import type { KeptHead } from '../../../ports/audit/audit-heads.ts';
import type { ChainState, StoredPoint } from '../../../ports/audit/chain-reader.ts';
import { joinedStates } from '../chain-records.ts';
import { closingFrom } from '../closing-records.ts';
import { figuresFrom, liveLeavesFrom } from '../readings/issuer-counts.ts';
import { boundedRevoked } from '../readings/revoked-leaf-records.ts';
import { JournalQueries } from '../sqlite/reading/journal-queries.ts';
import { decisionFrom, type DecisionValues } from '../records.ts';
import { newestOf } from './merge-records.ts';
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

  issuedTo(pods: Parameters<PodIssuances['issuedTo']>[0]): readonly PodIssuance[] {
    const found = this.#each().flatMap((journal) => journal.pods.issuedTo(pods));
    return found.sort((a, b) => b.notAfterMs - a.notAfterMs);
  }

  /** As far as the page of the journal goes whose page ends first. */
  issuedBetween(range: Parameters<PodIssuances['issuedBetween']>[0]) {
    const journals = this.#each();
    const untilMs = Math.min(range.toMs, ...journals.map((journal) => journal.pods.pageEnd(range)));
    return {
      issuances: journals.flatMap((journal) => journal.pods.issuedBetween({ ...range, toMs: untilMs })),
      untilMs,
    };
  }

  closedPods(podUids: readonly string[]): readonly ClosedPod[] {
    return this.#each().flatMap((journal) => journal.pods.closedPods(podUids));
  }

  /** The latest that any of them noted: earlier ones were written by fewer processes. */
  followedUntil(remoteCluster: string | undefined): FollowedUntil | undefined {
    const found = this.#each().flatMap((journal) => journal.pods.followedUntil(remoteCluster) ?? []);
    return found.sort((a, b) => b.untilMs - a.untilMs)[0];
  }

  liveLeavesOf(id: string, window: StatisticsWindow): LiveLeaves {
    return liveLeavesFrom(this.#each().map((journal) => journal.liveLeavesOf(id, window)));
  }

  figuresOf(name: string, window: StatisticsWindow): IssuerFigures {
    return figuresFrom(this.#each().map((journal) => journal.countsOf(name, window)));
  }

  revokedBy(bans: readonly Ban[], window: LeafWindow): RevokedLeavesFound {
    return boundedRevoked(this.#each().flatMap((journal) => journal.revokedBy(bans, window)));
  }

  leafOf(serial: string, window: LeafWindow): RecordedLeaf | undefined {
    for (const journal of this.#each()) {
      const leaf = journal.leafOf(serial, window);
      if (leaf !== undefined) return leaf;
    }
    return undefined;
  }

  /** Newest first. */
  decisions(query: JournalQuery): readonly DecisionRecord[] {
    const lists = this.#each().map((journal) => journal.list(query).map(decisionFrom));
    return newestOf(lists, query.limit);
  }

  /** Newest first, as far back as the journal was looked through that goes back least. */
  refusedIn(question: RefusedIn): FoundRefused {
    const each = this.#each().map((journal) => journal.refusedIn(question));
    const sinceMs = Math.max(question.sinceMs, ...each.map((found) => found.sinceMs));
    const lists = each.map(({ rows }) => rows.map(decisionFrom).filter((record) => record.outcome === 'refused'));
    return { records: newestOf(lists, question.limit).filter(({ timeMs }) => timeMs >= sinceMs), sinceMs };
  }

  /** In any order. A decision is in one journal. */
  issuedBy(decisionIds: readonly string[]): readonly DecisionValues[] {
    return this.#each().flatMap((journal) => journal.issuedBy(decisionIds));
  }

  /** Newest first. */
  closings(query: ClosingQuery): readonly ClosingRecord[] {
    const lists = this.#each().map((journal) => journal.closings(query).map(closingFrom));
    return newestOf(lists, query.limit);
  }

  /** Newest first. */
  operations(query: OperationQuery): readonly OperationRecord[] {
    return newestOf(
      this.#each().map((journal) => journal.operations(query)),
      query.limit,
    );
  }

  chains(): readonly ChainState[] {
    return joinedStates(this.#each().map((journal) => journal.chains.chains()));
  }

  chainPoint(chain: string, sequence: number): StoredPoint | undefined {
    for (const journal of this.#each()) {
      const point = journal.chains.pointOf(chain, sequence);
      if (point !== undefined) return point;
    }
    return undefined;
  }

  /** The newest first, also of those in journals of former processes: the journal that has the newest comes first. */
  lastHeads(count: number): readonly KeptHead[] {
    const each = this.#each().map((journal) => journal.heads.last(count));
    const newestFirst = each.toSorted(([a], [b]) => (b?.timeMs ?? 0) - (a?.timeMs ?? 0));
    return newestFirst.flat().slice(0, count);
  }

  [Symbol.dispose](): void {
    for (const journal of this.#journals ?? []) journal[Symbol.dispose]();
    this.#journals = undefined;
  }

  #each(): readonly JournalQueries[] {
    return (this.#journals ??= journalsOf(this.#file).map((journal) => new JournalQueries(journal)));
  }
}
