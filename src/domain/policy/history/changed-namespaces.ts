// Between two revisions of all policies: whose certificates may be judged otherwise.
import type { PolicySet } from '../policy-set.ts';

/** No namespace is called so: what is another for it is another for all. */
const NOBODY = '';

/** @returns namespaces, by name; nothing where something changed that is for all of them. */
export function changedNamespaces(before: PolicySet, after: PolicySet): readonly string[] | undefined {
  const changed = (namespace: string): boolean => before.versionFor(namespace) !== after.versionFor(namespace);
  if (changed(NOBODY)) return undefined;
  return [...new Set([...named(before), ...named(after)])].filter(changed).sort();
}

function named({ local, missing }: PolicySet): readonly string[] {
  const own = local.flatMap(({ policy }) => (policy.kind === 'IssuancePolicy' ? [policy.namespace] : []));
  return [...own, ...missing.namespaces.keys()];
}
