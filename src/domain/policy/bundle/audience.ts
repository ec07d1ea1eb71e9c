// Which clusters a policy bundle is meant for.
import type { PolicyBundle } from '../documents.ts';
import { matchesAny } from '../name-patterns.ts';

/** @param clusterId this cluster, or the one that is tried. */
export function isMeantFor({ audience }: Pick<PolicyBundle, 'audience'>, clusterId: string): boolean {
  return matchesAny(audience, clusterId);
}

/** @returns why the bundle is not for this cluster, to follow the name of its field; nothing when it is. */
export function audienceProblem(bundle: Pick<PolicyBundle, 'audience'>, clusterId: string): string | undefined {
  if (isMeantFor(bundle, clusterId)) return undefined;
  return `is meant for ${bundle.audience.join(', ')}; this cluster is ${clusterId}`;
}
