// Central rules and local policies differ in who wrote them and what they may say; once loaded, each is one
// statement in a decision. All that apply are evaluated, in a fixed order, and each can only take away.
import { UNBOUNDED, type Bounds } from '../bounds.ts';
import type { Condition } from '../condition.ts';
import type { Layer } from '../policy-decision.ts';
import type { CentralRule, Deny, Labels, LocalPolicy, Mode, PolicyBundle, Quotas } from '../documents.ts';
import type { NameLimit, NamePattern } from '../name-patterns.ts';
import type { IssuanceClass } from '../request.ts';
import type { PodSelector } from '../subject-pods.ts';

export interface PolicyStatement {
  readonly layer: Layer;
  /** As in FailedClause. */
  readonly policy: string;
  /** As in PolicyDecision.applied. */
  readonly title: string;
  /** Where its fields stand in its document. */
  readonly at: { readonly bounds: string; readonly own: string };
  readonly mode: Exclude<Mode, 'off'>;
  readonly locked: boolean;
  /** Whether it gives an identity, rather than only taking away. */
  readonly grants: boolean;
  readonly bounds: Bounds;
  readonly deny: Deny;
  readonly conditions: readonly Condition[];
  readonly quotas: Quotas;
  readonly contact?: string;
  readonly classes: readonly IssuanceClass[];
  readonly namespaces: readonly NamePattern[] | undefined;
  readonly namespaceLabels: Labels | undefined;
  readonly serviceAccounts: NameLimit;
  readonly pods: PodSelector | undefined;
}

export const NO_QUOTAS: Quotas = { perNamespacePerMinute: Infinity, perIdentityPerMinute: Infinity };

export function statementOfRule(bundle: PolicyBundle, rule: CentralRule): PolicyStatement {
  const policy = `${bundle.name}@${bundle.sequence}`;
  const own = `rules.${rule.id}`;
  return {
    layer: 'central',
    policy,
    title: `central ${policy} ${rule.id}`,
    at: { bounds: `${own}.bounds`, own },
    mode: modeInForce(rule.mode),
    locked: rule.locked,
    // On trial it gives nothing: nobody may have an identity because of a rule that is not in force.
    grants: rule.bounds !== undefined && rule.mode === 'enforce',
    bounds: rule.bounds ?? UNBOUNDED,
    deny: rule.deny,
    conditions: rule.conditions,
    quotas: NO_QUOTAS,
    contact: rule.contact ?? bundle.owner.contact,
    classes: rule.match.classes,
    namespaces: rule.match.namespaces.names,
    namespaceLabels: rule.match.namespaces.labels,
    serviceAccounts: rule.match.serviceAccounts,
    pods: rule.match.pods,
  };
}

export function statementOfLocal(policy: LocalPolicy): PolicyStatement {
  const layer = policy.kind === 'IssuancePolicy' ? 'namespace' : 'cluster';
  const name = localName(policy);
  return {
    layer,
    policy: name,
    title: `${layer} ${name}`,
    at: { bounds: 'spec.narrow', own: 'spec' },
    mode: modeInForce(policy.mode),
    locked: true,
    grants: false,
    bounds: policy.narrow,
    deny: policy.deny,
    conditions: policy.conditions,
    quotas: policy.quotas,
    ...(policy.contact !== undefined && { contact: policy.contact }),
    classes: policy.classes,
    namespaces: policy.kind === 'IssuancePolicy' ? [policy.namespace] : policy.namespaces.names,
    namespaceLabels: policy.kind === 'IssuancePolicy' ? undefined : policy.namespaces.labels,
    serviceAccounts: policy.serviceAccounts,
    pods: undefined,
  };
}

/** What a local policy is called in decisions. */
export function localName(policy: LocalPolicy): string {
  return policy.kind === 'IssuancePolicy' ? `${policy.namespace}/${policy.name}` : policy.name;
}

/** What is off is left out before it becomes a statement. */
function modeInForce(mode: Mode): Exclude<Mode, 'off'> {
  return mode === 'audit' ? 'audit' : 'enforce';
}
