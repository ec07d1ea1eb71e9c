// What the issuance history and its thread say to each other: each kind of question, and its answer. It imports much
// because it names every kind.
import type { KeptHead } from '../../../../ports/audit/audit-heads.ts';
import type { ChainState, StoredPoint } from '../../../../ports/audit/chain-reader.ts';
import type { CurrentCertificate } from '../../../../domain/policy/request.ts';
import type { Ban } from '../../../../domain/revocation/ban.ts';
import type { RecordedLeaf } from '../../../../domain/revocation/revoked-leaves.ts';
import type {
  ClosedPod,
  ClosingQuery,
  ClosingRecord,
  FollowedUntil,
} from '../../../../ports/storage/closing-journal.ts';
import type { DecisionRecord, JournalQuery } from '../../../../ports/storage/issuance-journal.ts';
import type { DecisionValues } from '../../records.ts';
import type { LeafNames, LeafRecord } from '../../../../ports/storage/issuance-history.ts';
import type { FormerIssuer } from '../../../../ports/storage/issuer-records.ts';
import type {
  FoundRefused,
  OperationQuery,
  OperationRecord,
  RefusedIn,
} from '../../../../ports/storage/operation-journal.ts';
import type { PodIssuance, PodIssuances } from '../../../../ports/storage/pod-issuances.ts';
import type { LeafWindow, RevokedLeavesFound } from '../../../../ports/storage/revoked-leaves.ts';
import type { IssuerFigures, LiveLeaves, StatisticsWindow } from '../../../../ports/storage/issuer-statistics.ts';

export interface Reads {
  current: { question: { identity: string; nowMs: number }; answer: CurrentCertificate | undefined };
  leaf: { question: LeafNames; answer: LeafRecord | undefined };
  issuers: { question: { nowMs: number }; answer: readonly FormerIssuer[] };
  issuedTo: { question: Parameters<PodIssuances['issuedTo']>[0]; answer: readonly PodIssuance[] };
  issuedBetween: {
    question: Parameters<PodIssuances['issuedBetween']>[0];
    answer: { readonly issuances: readonly PodIssuance[]; readonly untilMs: number };
  };
  closedPods: { question: readonly string[]; answer: readonly ClosedPod[] };
  followedUntil: { question: { remoteCluster: string | undefined }; answer: FollowedUntil | undefined };
  leaves: { question: { id: string; window: StatisticsWindow }; answer: LiveLeaves };
  figures: { question: { name: string; window: StatisticsWindow }; answer: IssuerFigures };
  revoked: { question: { bans: readonly Ban[]; window: LeafWindow }; answer: RevokedLeavesFound };
  leafOf: { question: { serial: string; window: LeafWindow }; answer: RecordedLeaf | undefined };
  decisions: { question: JournalQuery; answer: readonly DecisionRecord[] };
  refusedIn: { question: RefusedIn; answer: FoundRefused };
  /** As they lie there: records would take the server's thread longer. */
  issuedBy: { question: readonly string[]; answer: readonly DecisionValues[] };
  closings: { question: ClosingQuery; answer: readonly ClosingRecord[] };
  operations: { question: OperationQuery; answer: readonly OperationRecord[] };
  chains: { question: undefined; answer: readonly ChainState[] };
  chainPoint: { question: { chain: string; sequence: number }; answer: StoredPoint | undefined };
  lastHeads: { question: number; answer: readonly KeptHead[] };
  close: { question: undefined; answer: undefined };
}

export type ReadKind = keyof Reads;
export type ReadRequest = {
  [Kind in ReadKind]: { readonly kind: Kind; readonly question: Reads[Kind]['question'] };
}[ReadKind];
