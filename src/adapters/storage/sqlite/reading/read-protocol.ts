// What the issuance history and its thread say to each other: each kind of question, and its answer.
import type { CurrentCertificate } from '../../../../domain/policy/request.ts';
import type { LeafNames, LeafRecord } from '../../../../ports/storage/issuance-history.ts';
import type { FormerIssuer } from '../../../../ports/storage/issuer-records.ts';

export interface Reads {
  current: { question: { identity: string; nowMs: number }; answer: CurrentCertificate | undefined };
  leaf: { question: LeafNames; answer: LeafRecord | undefined };
  issuers: { question: { nowMs: number }; answer: readonly FormerIssuer[] };
  close: { question: undefined; answer: undefined };
}

export type ReadKind = keyof Reads;
export type ReadRequest = {
  [Kind in ReadKind]: { readonly kind: Kind; readonly question: Reads[Kind]['question'] };
}[ReadKind];
