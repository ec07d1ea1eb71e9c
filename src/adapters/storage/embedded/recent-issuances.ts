// What this process issued last, in memory: every record goes through here on its way into the journal, so most
// questions about an identity or a leaf are answered without reading it. What is forgotten, or was issued before a
// restart, is read.
import { Recent } from '../../../domain/bounded/recent.ts';
import type { CurrentCertificate } from '../../../domain/policy/request.ts';
import type { CurrentCertificates } from '../../../ports/storage/current-certificates.ts';
import type { LeafNames, LeafRecord, LeafRecords } from '../../../ports/storage/issuance-history.ts';
import type {
  Appending,
  DecisionRecord,
  IssuanceJournal,
  IssuedRecord,
} from '../../../ports/storage/issuance-journal.ts';
import { currentCertificateOf, leafRecordOf } from '../records.ts';

/** Identities: more than one server issues to within a leaf's life. */
const MAX_IDENTITIES = 20_000;
/** Leaves that may be shown to renew; each replaces the one before it. */
const MAX_LEAVES = 20_000;

/** Younger than this is the newest there is: what another process issues lags behind no longer. */
const TRUSTED_FOR_MS = 5_000;

export interface RecentIssuancesSettings {
  /** Whether others issue to the same identities. */
  readonly shared: boolean;
}

export interface RecentIssuancesParts {
  readonly journal: IssuanceJournal;
  /** Of the same journal. */
  readonly history: CurrentCertificates & LeafRecords;
}

export class RecentIssuances implements IssuanceJournal, CurrentCertificates, LeafRecords {
  readonly #parts: RecentIssuancesParts;
  readonly #trustedForMs: number;
  readonly #current = new Recent<CurrentCertificate>(MAX_IDENTITIES);
  readonly #leaves = new Recent<LeafRecord>(MAX_LEAVES);

  constructor(parts: RecentIssuancesParts, { shared }: RecentIssuancesSettings = { shared: false }) {
    this.#parts = parts;
    this.#trustedForMs = shared ? TRUSTED_FOR_MS : Infinity;
  }

  async append(record: DecisionRecord, options: Appending): Promise<boolean> {
    const isRecorded = await this.#parts.journal.append(record, options);
    if (isRecorded && record.outcome === 'issued') this.#remember(record);
    return isRecorded;
  }

  async currentCertificateOf(
    identity: string,
    nowMs: number,
    options: { readonly signal: AbortSignal },
  ): Promise<CurrentCertificate | undefined> {
    const current = this.#current.get(identity);
    // A shorter one that has ended may hide a longer one from before; an old one a newer one of another process.
    const trusted = current !== undefined && nowMs - current.issuedMs < this.#trustedForMs;
    if (trusted && current.notAfterMs > nowMs) return current;
    return this.#parts.history.currentCertificateOf(identity, nowMs, options);
  }

  async recordOf(leaf: LeafNames, options: { readonly signal: AbortSignal }): Promise<LeafRecord | undefined> {
    return this.#leaves.get(leafKey(leaf)) ?? this.#parts.history.recordOf(leaf, options);
  }

  /** Our own certificates belong to no workload. */
  #remember(record: IssuedRecord): void {
    const { api, identity, issuer, decisionId, timeMs, proofId = decisionId, provenAtMs = timeMs } = record;
    if (api === 'self') return;
    const { trustAnchor, podName, podUid, nodeName, attestation, remoteCluster } = record;
    if (remoteCluster === undefined) this.#current.set(identity, currentCertificateOf(record));
    const lineage = { id: proofId, provenAtMs };
    const leaf = leafRecordOf({ issuer, trustAnchor, lineage, podName, podUid, nodeName, attestation, remoteCluster });
    this.#leaves.set(leafKey(record), leaf);
  }
}

function leafKey({ identity, serial, notAfterMs }: LeafNames): string {
  return `${serial} ${notAfterMs} ${identity}`;
}
