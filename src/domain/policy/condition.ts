// Conditions on the cluster and the request, as data. evaluate-condition.ts judges them.
import type { Labels, Mode, OnRenew } from './documents.ts';
import type { NamePattern } from './name-patterns.ts';
import type { ClaimName, IssuanceClass, PolicyRequest } from './request.ts';
import type { KubernetesObject } from '../cluster/snapshot.ts';
import type { SubjectPod } from './subject-pods.ts';

/** What an expression can read. No clock, no network, nothing that differs between two evaluations. */
export interface ExpressionInput {
  readonly request: PolicyRequest;
  readonly class: IssuanceClass;
  readonly cluster: { readonly id: string; readonly labels: Labels };
  /** The subject's pods, where the expression reads them: none where it has none. */
  readonly pods?: readonly SubjectPod[];
  /** Labels of the subject's namespace, where the expression reads them. */
  readonly namespaceLabels?: Labels;
  /** The object under `where`; absent in an expression on the request alone. */
  readonly object?: KubernetesObject;
}

/** A compiled CEL expression: type-checked, of bounded cost, giving a boolean. */
export interface Expression {
  readonly source: string;
  /** Whether it reads labels or images of the subject's pods, and labels of its namespace. */
  readonly readsPods: boolean;
  readonly readsNamespace: boolean;
  /** Never throws. @returns the answer, or in words why there is none (a missing field, a division by zero). */
  evaluate(input: ExpressionInput): boolean | { readonly problem: string };
}

export type ConditionCheck =
  /** An object of this kind exists, and fits. */
  | {
      readonly kind: 'exists';
      readonly objectKind: string;
      readonly apiVersion?: string;
      /** `self` is the subject's namespace, `none` the cluster itself; otherwise a namespace's name. */
      readonly inNamespace: { readonly in: 'self' | 'none' } | { readonly in: 'named'; readonly namespace: string };
      readonly names?: readonly NamePattern[];
      readonly labels?: Labels;
      /** Whether its selector must select the subject's pod. */
      readonly selectsPod: boolean;
      readonly where?: Expression;
    }
  /** The subject's own Namespace, ServiceAccount or Pod fits. */
  | {
      readonly kind: 'matches';
      readonly target: 'namespace' | 'serviceAccount' | 'pod';
      readonly labels?: Labels;
      readonly annotations?: Labels;
      readonly where?: Expression;
    }
  /** The credential says one of these. */
  | { readonly kind: 'claim'; readonly claim: ClaimName; readonly in: readonly NamePattern[] }
  /** The request fits. */
  | { readonly kind: 'expression'; readonly expression: Expression };

export interface Condition {
  readonly id: string;
  readonly check: ConditionCheck;
  /** What to do about it, for the caller that is refused. */
  readonly message: string;
  readonly onRenew: OnRenew;
  /** How long a first request may be held for it to turn true, in ms. */
  readonly waitMs: number;
  readonly mode: Mode;
}
