// Whether local policies are as their files say: degraded while those of some owner are not, not ready while those that
// apply to everybody are not known.
import { degraded, notReady, READY, type HealthState } from '../../../ports/platform/health.ts';
import type { AssembledPolicySource } from './assembled-policy-source.ts';
import type { OwnerTrouble } from './local-policies.ts';

/** Most owners that are named; the rest is counted. */
const MAX_NAMED = 5;
const MAX_PROBLEM = 300;

const STATES: Readonly<Record<OwnerTrouble['state'], string>> = {
  'last good': 'keeps its last good policies',
  refused: 'is refused',
  'not kept': 'would not keep its policies over a restart',
};

export function localPolicyHealth(source: Pick<AssembledPolicySource, 'current' | 'troubles'>): HealthState {
  const missing = missingOf(source);
  if (missing !== undefined) return notReady(missing);
  const { troubles } = source;
  if (troubles.length === 0) return READY;
  const named = troubles.slice(0, MAX_NAMED).map(format);
  const more = troubles.length > MAX_NAMED ? [`and ${troubles.length - MAX_NAMED} more; /policy lists them`] : [];
  return degraded([...named, ...more].join('; '));
}

/** Why nobody can be judged. */
function missingOf(source: Pick<AssembledPolicySource, 'current'>): string | undefined {
  try {
    const { cluster } = source.current().missing;
    return cluster === undefined ? undefined : `nothing good is kept either: ${cluster}`;
  } catch {
    // CAP-S02, before the first revision: the part `policy` says so.
    return undefined;
  }
}

function format({ owner, state, problem }: OwnerTrouble): string {
  return `${owner} ${STATES[state]}: ${problem.slice(0, MAX_PROBLEM)}`;
}
