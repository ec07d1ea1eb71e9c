// Which central rules give an identity to those whom a local policy applies to.
import type { Bounds } from '../bounds.ts';
import { admitsNobody, sharePatterns } from './limits.ts';
import { coversReach, reachOfLocal, reachOfRule, shareReach, type Reach } from './reach.ts';
import type { CentralRule, LocalPolicy, PolicyBundle } from '../documents.ts';
import { meetNames, nameLimit } from '../name-patterns.ts';

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
