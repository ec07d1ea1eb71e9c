// What /readyz says of policy: whether anybody could be given a certificate, whether local policies are as their files
// say, and whether the time that bundles are judged by is the clock's.
import type { AssembledPolicySource } from '../adapters/policy/source/assembled-policy-source.ts';
import type { OwnerTrouble } from '../adapters/policy/source/local-policies.ts';
import type { PolicyBundleSource } from '../adapters/policy/bundle/sources/bundle-source.ts';
import type { PolicyJudgement } from '../authority/issuing/policy-judgement.ts';
import { AuthorityError } from '../domain/errors.ts';
import type { Clock } from '../ports/platform/clock.ts';
import type { ReadinessCheck } from './readiness.ts';

/** Most owners that are named; the rest is counted. */
const MAX_NAMED = 5;
const MAX_PROBLEM = 300;

const STATES: Readonly<Record<OwnerTrouble['state'], string>> = {
  'last good': 'keeps its last good policies',
  refused: 'is refused',
  'not kept': 'would not keep its policies over a restart',
};

/** Whether anybody could be given a certificate, whoever asked. */
export function policyReadiness(judgement: Pick<PolicyJudgement, 'outlooks'>): ReadinessCheck {
  return () => {
    try {
      const outlooks = judgement.outlooks();
      const troubled = outlooks.filter((outlook) => outlook !== undefined);
      const [first] = troubled;
      if (first === undefined) return undefined;
      const some = troubled.length < outlooks.length;
      if (some) return { degraded: `of some issuers nobody, or nobody new, gets a certificate: ${first.why}` };
      return first.renewals ? { degraded: `only renewals are granted: ${first.why}` } : first.why;
    } catch (error) {
      return error instanceof AuthorityError ? error.message : 'policy cannot be asked';
    }
  };
}

/** Degraded while those of some owner are not as its files say; not ready while those that apply to everybody are not known. */
export function localPolicyReadiness(source: Pick<AssembledPolicySource, 'current' | 'troubles'>): ReadinessCheck {
  return () => {
    const missing = missingOf(source);
    if (missing !== undefined) return missing;
    const { troubles } = source;
    if (troubles.length === 0) return undefined;
    const named = troubles.slice(0, MAX_NAMED).map(format);
    const more = troubles.length > MAX_NAMED ? [`and ${troubles.length - MAX_NAMED} more; /policy lists them`] : [];
    return { degraded: [...named, ...more].join('; ') };
  };
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

/** Clocks differ by less, and are corrected by less. */
const AHEAD_MS = 5 * 60_000;

/**
 * A clock that was ahead for a while leaves bundles judged as of then: told when that is more than a clock's ordinary
 * correction, and not ready when it is what refuses everybody.
 */
export function policyTimeReadiness(bundles: PolicyBundleSource, clock: Clock): ReadinessCheck {
  return () => {
    const nowMs = clock.nowMs();
    const timeMs = bundles.timeMs();
    if (timeMs - nowMs <= AHEAD_MS) return undefined;
    const [time, now] = [timeMs, nowMs].map((ms) => new Date(ms).toISOString());
    const why = `policy bundles are judged as of ${time}, ahead of the clock (${now}); if the clock is right, \`capstan bundle reset-time\` sets it back`;
    const { hardExpiryMs, renewAfterHardExpiry } = bundles.current().bundle.validity;
    const refusesAll = timeMs >= hardExpiryMs && nowMs < hardExpiryMs && !renewAfterHardExpiry;
    return refusesAll ? why : { degraded: why };
  };
}
