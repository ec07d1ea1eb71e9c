// The table of what the doctor looks for, and one finding for each thing that is wrong. Data in, findings out.
import type { Finding, ReviewedCase } from '../findings.ts';
import type { Check, NotSeen, Problem } from './check.ts';
import type { DoctorFacts } from './facts.ts';
import { ISTIO_CHECKS } from './istio-checks.ts';
import { POLICY_CHECKS } from './policy-checks.ts';
import { RIGHTS_CHECK } from './rights-check.ts';
import { ROOT_CHECKS } from './root-checks.ts';
import { SERVING_CHECKS } from './serving-checks.ts';
import { TOKEN_CHECKS } from './token-checks.ts';

/** In the order in which they are told: what keeps everything else from working first. */
export const CHECKS: readonly Check[] = [
  ...SERVING_CHECKS,
  ...ISTIO_CHECKS,
  ...TOKEN_CHECKS,
  ...ROOT_CHECKS,
  ...POLICY_CHECKS,
  RIGHTS_CHECK,
];

export interface Diagnosis {
  /** One for each check, named as the check. */
  readonly cases: readonly ReviewedCase[];
  /** What could not be looked at, and which checks are therefore not whole; each once. */
  readonly notSeen: readonly { readonly why: string; readonly checks: readonly string[] }[];
}

export function diagnose(facts: DoctorFacts): Diagnosis {
  const judged = CHECKS.map((check) => ({ check, outcome: check.judge(facts) }));
  const unseen = new Map<string, string[]>();
  for (const { check, outcome } of judged) {
    for (const one of outcome) {
      if (!isNotSeen(one)) continue;
      const checks = unseen.get(one.notSeen) ?? [];
      if (!checks.includes(check.id)) unseen.set(one.notSeen, [...checks, check.id]);
    }
  }
  return {
    cases: judged.map(({ check, outcome }) => ({
      name: check.id,
      findings: outcome.flatMap((one) => (isNotSeen(one) ? [] : [findingOf(check, one)])),
    })),
    notSeen: [...unseen].map(([why, checks]) => ({ why, checks })),
  };
}

function isNotSeen(one: Problem | NotSeen): one is NotSeen {
  return 'notSeen' in one;
}

function findingOf({ id }: Check, { subject, wrong, fix, severity = 'error' }: Problem): Finding {
  return { id: `doctor/${id}`, severity, subject, message: `${wrong}. Fix: ${fix}` };
}
