// What a store of the journal is to the rest of the server, whichever it is.
import type { BanLedger } from '../../../domain/revocation/ban-ledger.ts';
import type { IssuerLedger } from '../../../domain/trust/issuer-ledger.ts';
import type { AnchorLedger } from '../../../domain/trust/rotation/anchor-ledger.ts';
import type { AuditHeads } from '../../../ports/audit/audit-heads.ts';
import type { ChainStates } from '../../../ports/audit/chain-reader.ts';
import type { HealthState } from '../../../ports/platform/health.ts';
import type { PolicyBundleState } from '../../../ports/policy/policy-bundle-state.ts';
import type { ClosingJournal } from '../../../ports/storage/closing-journal.ts';
import type { Crls } from '../../../ports/revocation/crls.ts';
import type { Inventory, InventoryEnds, InventoryKeeping } from '../../../ports/inventory/inventory.ts';
import type { CurrentCertificates } from '../../../ports/storage/current-certificates.ts';
import type { LeafRecords } from '../../../ports/storage/issuance-history.ts';
import type { EvidenceReader, EvidenceRecords } from '../../../ports/storage/evidence.ts';
import type { IssuanceJournal } from '../../../ports/storage/issuance-journal.ts';
import type { IssuerStatistics } from '../../../ports/storage/issuer-statistics.ts';
import type { FormerIssuers, IssuerRecords } from '../../../ports/storage/issuer-records.ts';
import type { JournalRetention } from '../../../ports/storage/journal-retention.ts';
import type { Lease } from '../../../ports/storage/lease.ts';
import type { Ledgers } from '../../../ports/storage/ledgers.ts';
import type { NewestRecords, OperationJournal } from '../../../ports/storage/operation-journal.ts';
import type { PodIssuances } from '../../../ports/storage/pod-issuances.ts';
import type { QuotaCounters } from '../../../ports/storage/quota-counters.ts';
import type { RevokedLeaves } from '../../../ports/storage/revoked-leaves.ts';

/** Where identities that ended go on record, and what was issued to their pods by all who share the store. */
export interface Closings {
  readonly journal: ClosingJournal;
  readonly issuances: PodIssuances;
}

/** It starts in the phase `storage` and closes in `flush`, by itself. */
export interface Store {
  readonly journal: IssuanceJournal & IssuerRecords & OperationJournal;
  /** What was recorded, by the servers that share the store. */
  readonly history: CurrentCertificates & LeafRecords & FormerIssuers;
  readonly quotas: QuotaCounters;
  readonly retention: JournalRetention;
  /** Absent in a worker whose own journal is not the one that they go to. */
  readonly closings: Closings | undefined;
  /** Of the right to delete old records, and to record what is recorded once for all. */
  readonly lease: Lease;
  /** Of the policy bundles of all servers that share the store; absent where each process has a file of its own. */
  readonly bundleState?: PolicyBundleState;
  /** What operators decided about issuers, and whom they banned. */
  readonly issuerLedgers: Ledgers<IssuerLedger>;
  /** The last revocation list of each issuer. */
  readonly crls: Crls;
  /** What is known of who trusts which anchors, by all who share the store. */
  readonly evidence: EvidenceReader;
  readonly evidenceRecords: EvidenceRecords;
  /** What is decided about trust anchors. */
  readonly anchorLedgers: Ledgers<AnchorLedger>;
  readonly banLedgers: Ledgers<BanLedger>;
  /** What was recorded of issuers, for operators. */
  readonly statistics: IssuerStatistics;
  /** Which certificates bans have made void, for operators and revocation lists. */
  readonly revokedLeaves: RevokedLeaves;
  /** What was recorded lately, for pages. */
  readonly newest: NewestRecords;
  /** Absent in a worker where the one of the first slot keeps it. */
  readonly inventory: (Inventory & InventoryEnds & InventoryKeeping) | undefined;
  /** The chains that records are linked in, of all who share the store, and what was signed of them. */
  readonly proof: {
    readonly chains: ChainStates;
    readonly heads: AuditHeads;
    /** Whether this process makes heads while it has the lease. */
    readonly isMadeHere: boolean;
  };
  readonly health: () => HealthState;
}
