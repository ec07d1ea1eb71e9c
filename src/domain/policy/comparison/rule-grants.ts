// Which central rules give an identity to those whom a local policy applies to, and what both leave together.
import { meet, type Bounds } from '../bounds.ts';
import { BOUND_FIELDS } from './bound-fields.ts';
import { admitsNobody, sharePatterns } from './limits.ts';
import { coversReach, reachOfLocal, reachOfRule, shareReach, type Reach } from './reach.ts';
import type { CentralRule, ClusterFacts, LocalPolicy, PolicyBundle } from '../documents.ts';
import { meetNames, nameLimit } from '../name-patterns.ts';
import { matchesCluster } from '../policy-set.ts';

export interface RuleGrant {
  readonly rule: CentralRule;
  readonly bounds: Bounds;
  /** Whether it binds everybody whom the local policy applies to, rather than some. */
  readonly binding: boolean;
}

/** @returns none when the local policy applies to nobody who can have an identity. */
export function grantsFor(policy: LocalPolicy, bundle: PolicyBundle): readonly RuleGrant[] {
  const reach = possibleReach(policy, bundle);
  return bundle.rules.flatMap((rule) => {
    const { bounds, mode } = rule;
    if (bounds === undefined || mode !== 'enforce' || !shareReach(reachOfRule(rule), reach)) return [];
    return [{ rule, bounds, binding: coversReach(reachOfRule(rule), reach) }];
  });
}

/** Of the classes that a policy names, only those that the bundle gives to somebody there. */
function possibleReach(policy: LocalPolicy, { classes }: PolicyBundle): Reach {
  const reach = reachOfLocal(policy);
  const assigned = classes.filter(
    ({ namespaces, serviceAccounts }) =>
      sharePatterns(namespaces, reach.namespaces.names) &&
      !admitsNobody(meetNames(nameLimit(serviceAccounts), reach.serviceAccounts)),
  );
  const possible = new Set(['workload', ...assigned.map((entry) => entry.class)]);
  return { ...reach, classes: reach.classes.filter((name) => possible.has(name)) };
}

/** @returns the bundle as it is for one cluster: without the rules that are for others. */
export function bundleFor(cluster: ClusterFacts, bundle: PolicyBundle): PolicyBundle {
  return { ...bundle, rules: bundle.rules.filter((rule) => matchesCluster(rule, cluster)) };
}

/**
 * @returns the most that a workload can have to which the policy applies, once for each rule that gives it an identity; none
 *   when nobody there can have one.
 */
export function effectiveBounds(policy: LocalPolicy, bundle: PolicyBundle): readonly Bounds[] {
  const grants = grantsFor(policy, bundle);
  const binding = grants.filter((grant) => grant.binding).map(({ bounds }) => bounds);
  const narrow = policy.mode === 'enforce' ? [policy.narrow] : [];
  return grants.map(({ bounds }) => [...binding, ...narrow].reduce(meet, bounds));
}

/** Each field of bounds as policies spell it, such as `ttl.max: 30m`; `or` stands between what different rules give. */
export function formatEffective(bounds: readonly Bounds[]): ReadonlyMap<string, string> {
  return new Map(
    BOUND_FIELDS.map(({ field, format }) => [field, [...new Set(bounds.map(format))].join(' or ')] as const),
  );
}
