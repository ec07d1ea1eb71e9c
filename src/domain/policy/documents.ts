// Policy documents after parsing: what the central bundle grants, and how cluster and namespace policies
// narrow it. Everything in them is checked; defaults are filled in.
import type { Bounds } from './bounds.ts';
import type { Condition } from './condition.ts';
import type { NameLimit, NamePattern } from './name-patterns.ts';
import type { IssuanceClass } from './request.ts';
import type { PodSelector } from './subject-pods.ts';

/** `enforce` refuses, `audit` issues and records what would have been refused, `off` is as if absent. */
export const MODES = ['enforce', 'audit', 'off'] as const;
export type Mode = (typeof MODES)[number];

export type Labels = Readonly<Record<string, string>>;

/** Every part that is present must hold. */
export interface NamespaceSelector {
  readonly names?: readonly NamePattern[];
  /** Labels of the Namespace object, each with this value. */
  readonly labels?: Labels;
}

/** Where Capstan runs; central rules may differ by it. */
export interface ClusterFacts {
  readonly id: string;
  readonly labels: Labels;
}

export interface ClusterSelector {
  readonly ids?: readonly NamePattern[];
  readonly labels?: Labels;
}

/** Most certificates a minute; Infinity is no limit. */
export interface Quotas {
  readonly perNamespacePerMinute: number;
  readonly perIdentityPerMinute: number;
}

/** Who is refused whatever else allows them. */
export interface Deny {
  readonly namespaces: readonly NamePattern[];
  readonly serviceAccounts: readonly NamePattern[];
}

export interface CentralRule {
  readonly id: string;
  readonly match: {
    readonly classes: readonly IssuanceClass[];
    readonly namespaces: NamespaceSelector;
    readonly serviceAccounts: NameLimit;
    /** Absent: also those that are no pods. */
    readonly pods?: PodSelector;
    readonly clusters: ClusterSelector;
  };
  /** Present: the rule grants an identity within these. Absent: it only denies or adds conditions. */
  readonly bounds?: Bounds;
  readonly deny: Deny;
  readonly conditions: readonly Condition[];
  readonly mode: Mode;
  /** Stays enforced in namespaces that are audited only. */
  readonly locked: boolean;
  readonly contact?: string;
}

export interface BundleIssuer {
  readonly name: string;
  /** SHA-256, hex, of the trust anchor that it must chain to. */
  readonly anchor?: string;
  /** What it must still be able to sign for, in ms. */
  readonly minRemainingMs: number;
  /** Most CAs that its certificate may allow below it; one without a path length allows any number. Absent, it may. */
  readonly maxPathLength?: number;
}

/** What the holders of the bundle let local policies choose. */
export interface LocalCeiling {
  /** Namespaces without a policy of their own get nothing. */
  readonly requireLocal: boolean;
  /** Longest `waitFor`, in ms. */
  readonly maxWaitMs: number;
  /** Gentlest `onRenew`; see `gentler`. */
  readonly onRenew: OnRenew;
  readonly quotas: Quotas;
  /** Namespaces in which rules that are not locked are audited only. */
  readonly audit: readonly NamespaceSelector[];
}

/** What a condition that turned false means for an identity that already has a certificate. */
export type OnRenew =
  | { readonly kind: 'enforce' }
  /** Renewed for so long after the condition last held; absent: for one lifetime of the certificate it has. */
  | { readonly kind: 'grace'; readonly graceMs?: number }
  | { readonly kind: 'warn' };

export interface PolicyBundle {
  readonly kind: 'PolicyBundle';
  readonly name: string;
  readonly sequence: number;
  readonly validity: {
    readonly notBeforeMs: number;
    /** From here on Capstan warns; Infinity is never. */
    readonly softExpiryMs: number;
    /** From here on nobody new gets an identity; Infinity is never. */
    readonly hardExpiryMs: number;
    readonly renewAfterHardExpiry: boolean;
  };
  /** Clusters that it is meant for. */
  readonly audience: readonly NamePattern[];
  readonly owner: { readonly team: string; readonly contact: string };
  readonly issuers: readonly BundleIssuer[];
  /** Which workloads are of another class than `workload`. */
  readonly classes: readonly ClassAssignment[];
  readonly rules: readonly CentralRule[];
  readonly namespaces: LocalCeiling;
  /** Operations that a second person has to approve. */
  readonly twoPersons: readonly GuardedOperation[];
}

/** What a policy bundle may demand a second person for. */
export const GUARDED_OPERATIONS = [
  'issuer.suspend',
  'issuer.resume',
  'issuer.taint',
  'issuer.retire',
  'anchor.start',
  'anchor.advance',
  'anchor.abort',
  'anchor.retire',
  'anchor.bridge',
  'anchor.unbridge',
  'revoke',
  'revoke.lift',
] as const;
export type GuardedOperation = (typeof GUARDED_OPERATIONS)[number];

export interface ClassAssignment {
  readonly class: Exclude<IssuanceClass, 'workload' | 'self' | 'intermediate'>;
  readonly namespaces: readonly NamePattern[];
  readonly serviceAccounts: readonly NamePattern[];
  /** Present: the class is added to `workload` and can only take away, for whoever makes a pod writes its labels. */
  readonly pods?: PodSelector;
}

interface LocalSpec {
  readonly name: string;
  readonly mode: Mode;
  /** Service accounts that it applies to. */
  readonly serviceAccounts: NameLimit;
  readonly classes: readonly IssuanceClass[];
  readonly narrow: Bounds;
  readonly deny: Deny;
  readonly conditions: readonly Condition[];
  readonly quotas: Quotas;
  readonly contact?: string;
}

export interface ClusterIssuancePolicy extends LocalSpec {
  readonly kind: 'ClusterIssuancePolicy';
  readonly namespaces: NamespaceSelector;
}

export interface IssuancePolicy extends LocalSpec {
  readonly kind: 'IssuancePolicy';
  readonly namespace: string;
}

export type LocalPolicy = ClusterIssuancePolicy | IssuancePolicy;
export type PolicyDocument = PolicyBundle | LocalPolicy;
