// What policy answers: approved within a grant, refused with every clause that failed, or unavailable
// because it could not be judged. Plain data in a fixed order: same inputs, same bytes.
import type { Reason } from '../reasons.ts';
import type { TtlLimit, Usage } from './bounds.ts';
import type { Quotas } from './documents.ts';
import type { IssuanceClass, PolicyRequest } from './request.ts';
import type { SubjectPod } from './subject-pods.ts';
import type { ObjectReference } from '../cluster/snapshot.ts';

export const LAYERS = ['central', 'cluster', 'namespace'] as const;
export type Layer = (typeof LAYERS)[number];

/** Reasons that policy gives, in the order in which they are reported. */
export const POLICY_REASONS = [
  'CAP-P01',
  'CAP-P10',
  'CAP-P04',
  'CAP-P03',
  'CAP-P09',
  'CAP-P02',
  'CAP-P06',
  'CAP-P07',
  'CAP-P05',
  'CAP-P08',
  'CAP-P12',
] as const satisfies readonly Reason[];
export type PolicyReason = (typeof POLICY_REASONS)[number];

/** One clause that does not hold. */
export interface FailedClause {
  readonly reason: PolicyReason;
  readonly layer: Layer;
  /** `corp-mesh@42`, the name of a cluster policy, or `namespace/name`. */
  readonly policy: string;
  /** Where in the document: `rules.mesh-default.bounds.keys`, `spec.conditions.has-ingress`. */
  readonly field: string;
  readonly actual: string;
  readonly allowed: string;
  /** What would make it pass, as an order. */
  readonly change: string;
  /** What the policy's author says. */
  readonly message?: string;
  readonly contact?: string;
  /** The world may change so that the same request passes. */
  readonly mayPassLater: boolean;
}

/** A condition that did not hold and was waived, because the identity has a certificate already. */
export interface WaivedClause {
  /** The condition's key: `<policy> <field>`. */
  readonly key: string;
  /** When it last held. */
  readonly sinceMs: number;
}

export interface Grant {
  readonly ttl: TtlLimit;
  readonly usages: readonly Usage[];
  readonly quotas: Quotas;
}

declare const made: unique symbol;

export interface PolicyDecision {
  /** Only `evaluate` makes a decision. */
  readonly [made]: true;
  readonly outcome: 'approved' | 'refused' | 'unavailable';
  readonly request: PolicyRequest;
  readonly class: IssuanceClass;
  readonly revision: string;
  /** `name@sequence` */
  readonly bundle: string;
  readonly snapshot: string;
  /** Every rule and policy that applied: `central corp-mesh@42 mesh-default`, `namespace shop/public-api`. */
  readonly applied: readonly string[];
  readonly grant: Grant;
  /** Enforced clauses that failed, by layer, policy, reason and field. Empty when approved. */
  readonly failures: readonly FailedClause[];
  /** Audited clauses that failed, in the same order. */
  readonly audits: readonly FailedClause[];
  readonly waived: readonly WaivedClause[];
  readonly objects: readonly ObjectReference[];
  /** The subject's pods as they were; absent where the policies look at none. */
  readonly pods?: readonly SubjectPod[];
  /** How long it is worth waiting for the cluster to change; 0 when waiting cannot help. */
  readonly waitMs: number;
  /** Why it could not be judged. */
  readonly unavailable?: {
    readonly reason: 'CAP-S01' | 'CAP-S10' | 'CAP-S11' | 'CAP-S12' | 'CAP-S14';
    readonly why: string;
  };
}

/** What is said of a decision; it takes `evaluate` to make one of it. */
export type DecisionFacts = Omit<PolicyDecision, typeof made>;
