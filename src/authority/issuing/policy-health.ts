// Whether anybody could be given a certificate, whoever asked.
import { AuthorityError } from '../../domain/errors.ts';
import { degraded, notReady, READY, type HealthState } from '../../ports/platform/health.ts';
import type { PolicyJudgement } from './policy-judgement.ts';

export function policyHealth(judgement: Pick<PolicyJudgement, 'outlooks'>): HealthState {
  try {
    const outlooks = judgement.outlooks();
    const troubled = outlooks.filter((outlook) => outlook !== undefined);
    const [first] = troubled;
    if (first === undefined) return READY;
    const some = troubled.length < outlooks.length;
    if (some) return degraded(`of some issuers nobody, or nobody new, gets a certificate: ${first.why}`);
    return troubled.some(({ renewals }) => renewals)
      ? degraded(`only renewals are granted: ${first.why}`)
      : notReady(first.why);
  } catch (error) {
    return notReady(error instanceof AuthorityError ? error.message : 'policy cannot be asked');
  }
}
