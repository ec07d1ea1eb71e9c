// A store as a backup is made of it, and as one is put back. Nothing is ever taken away by it: what a store lacks is added,
// and of an issuer the longer memory counts.
import type { ChainKind } from '../../../domain/audit/chain.ts';
import type { AuditHeadReader, KeptHead } from '../../../ports/audit/audit-heads.ts';
import type { ChainSnapshots, ChainState } from '../../../ports/audit/chain-reader.ts';
import type { ClosingJournalReader } from '../../../ports/storage/closing-journal.ts';
import type { IssuanceJournalReader } from '../../../ports/storage/issuance-journal.ts';
import type { EvidenceNotes } from '../../../ports/storage/evidence.ts';
import type { KeptLedgers } from './kept-ledgers.ts';
import type { PlacedRecord } from './placed-records.ts';
import type { OperationJournalReader } from '../../../ports/storage/operation-journal.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** An issuer that has signed, as the journal remembers it. */
export interface KeptIssuer {
  readonly id: string;
  readonly certificateDer: Uint8Array;
  readonly longestLeafMs: number;
  readonly untilMs: number;
}

/** May be copied while servers write it: what is recorded meanwhile is not in the copy, or not all of it. */
export interface CopiedStore extends AsyncDisposable {
  readonly reader: IssuanceJournalReader &
    OperationJournalReader &
    ClosingJournalReader &
    ChainSnapshots &
    AuditHeadReader;
  /** @throws AuthorityError as the reader. */
  issuers(options: Waits): Promise<readonly KeptIssuer[]>;
  /** What proxies acknowledged. @throws AuthorityError as the reader. */
  evidence(options: Waits): Promise<EvidenceNotes>;
  /** What operators decided. @throws AuthorityError as the reader; CAP-X03 for a ledger that is damaged. */
  ledgers(options: Waits): Promise<readonly KeptLedgers[]>;
}

/**
 * A store that no server has meanwhile. Each method may be called twice with the same, and throws AuthorityError CAP-S04
 * when it cannot be written.
 */
export interface RestoredStore extends AsyncDisposable {
  /** Before their records. A chain that the store has already begins where the one of both does that goes further back. */
  addChains(chains: readonly ChainState[], options: Waits): Promise<void>;
  /** As they are, each in its place. @returns how many the store did not have. */
  addRecords<Kind extends ChainKind>(
    kind: Kind,
    records: readonly PlacedRecord<Kind>[],
    options: Waits,
  ): Promise<number>;
  /** @returns the digest of the newest head that the store has; nothing where it has none. */
  newestHead(options: Waits): Promise<string | undefined>;
  /** Behind those that it has. */
  addHeads(heads: readonly KeptHead[], options: Waits): Promise<void>;
  addIssuers(issuers: readonly KeptIssuer[], options: Waits): Promise<void>;
  /** Of a proxy that the store knows the later note counts. */
  addEvidence(notes: EvidenceNotes, options: Waits): Promise<void>;
  /**
   * Joins them with what the store has, as `joinedLedgers` says.
   * @param options.trust the trust domain of the server, where it is known.
   * @returns how many bans the store did not have.
   * @throws AuthorityError CAP-X03 also where it has to be known whose they are; nothing is changed then.
   */
  addLedgers(kept: readonly KeptLedgers[], options: Waits & { readonly trust: string | undefined }): Promise<number>;
}
