// What keeps a policy bundle from giving certificates, whoever asks: part of each decision, and of the answer
// to whether the server is of any use now.
import { unfitIssuer } from './missing-grants.ts';
import type { PolicySet } from '../policy-set.ts';
import type { PolicyRequest } from '../request.ts';

export interface Standstill {
  readonly reason: 'CAP-S01' | 'CAP-S11' | 'CAP-S14';
  readonly why: string;
}

export type Moment = Pick<PolicyRequest, 'issuer' | 'nowMs' | 'policyBundleTimeMs'>;

/**
 * @param moment.renewal whether it is asked for who holds a certificate already.
 * @returns nothing while the bundle is in its time and the issuer ends no sooner than it demands.
 */
export function standstill(
  { bundle: { validity, issuers, owner }, bundleName }: PolicySet,
  { issuer, nowMs, policyBundleTimeMs = nowMs, renewal }: Moment & { readonly renewal: boolean },
): Standstill | undefined {
  if (policyBundleTimeMs >= validity.hardExpiryMs && !(renewal && validity.renewAfterHardExpiry)) {
    return { reason: 'CAP-S11', why: `${bundleName} ended at ${new Date(validity.hardExpiryMs).toISOString()}` };
  }
  if (issuer.unavailable !== undefined && issuer.withdrawn !== undefined)
    return { reason: 'CAP-S14', why: `${issuer.unavailable}; ask ${owner.contact}` };
  if (issuer.unavailable !== undefined) return { reason: 'CAP-S01', why: issuer.unavailable };
  const demanded = issuers.find(({ name }) => name === issuer.name)?.minRemainingMs ?? 0;
  if (issuer.remainingMs >= demanded) return undefined;
  return { reason: 'CAP-S01', why: `issuer ${issuer.name} ends sooner than ${bundleName} demands` };
}

export interface Outlook {
  readonly why: string;
  /** Who holds a certificate still gets the next one. */
  readonly renewals: boolean;
}

/** @returns why nobody, or nobody new, can be given a certificate at this moment; nothing when somebody can. */
export function outlook(policies: PolicySet, moment: Moment): Outlook | undefined {
  const unfit = unfitIssuer(policies, moment);
  if (unfit !== undefined) {
    const { name } = moment.issuer;
    const why = unfit.field.endsWith('.anchor')
      ? `issuer ${name} is under another anchor than ${policies.bundleName} pins`
      : `issuer ${name} allows more CAs below it than ${policies.bundleName} does`;
    return { why: `${why} (${unfit.allowed})`, renewals: false };
  }
  const forAll = standstill(policies, { ...moment, renewal: true });
  if (forAll !== undefined) return { why: forAll.why, renewals: false };
  const forNew = standstill(policies, { ...moment, renewal: false });
  return forNew && { why: forNew.why, renewals: true };
}
