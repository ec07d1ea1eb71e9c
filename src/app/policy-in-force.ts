// What `/policy` answers: which policies are in force, whose files are not what is in force, and what they ask of the
// cluster in vain.
import type { PolicyInForce } from '../adapters/http/observation/routes.ts';
import type { AssembledPolicySource } from '../adapters/policy/source/assembled-policy-source.ts';
import type { FieldDifference } from '../domain/policy/comparison/differences.ts';
import type { PolicySet } from '../domain/policy/policy-set.ts';
import type { LiveCertificates, RefusedCertificate } from '../review/drift/live-certificates.ts';
import type { Judged, JudgedCertificates } from '../authority/drift/live-watch.ts';
import type { WatchedPolicies } from '../authority/drift/policy-watch.ts';
import type { PolicySource } from '../ports/policy/policy-source.ts';

/** Most owners that a page lists. */
const MAX_LISTED = 100;

interface Watched {
  readonly drift?: WatchedPolicies | undefined;
  readonly certificates?: JudgedCertificates<LiveCertificates> | undefined;
}

/** @returns nothing before the first revision. */
export function policyInForce(
  source: AssembledPolicySource,
  unseen: NonNullable<PolicyInForce['unseen']> = [],
  { drift, certificates }: Watched = {},
): PolicyInForce | undefined {
  const policies = loadedOf(source);
  if (policies === undefined) return undefined;
  const outOfDate = source.troubles.slice(0, MAX_LISTED);
  const { revision, bundle, bundleDigest, local } = policies;
  return {
    revision,
    bundle: { name: bundle.name, sequence: bundle.sequence, digest: bundleDigest },
    policies: local.map(({ policy, digest }) => ({
      kind: policy.kind,
      ...(policy.kind === 'IssuancePolicy' && { namespace: policy.namespace }),
      name: policy.name,
      digest,
    })),
    ...(drift !== undefined && { drift: driftOf(drift) }),
    ...(certificates !== undefined && { certificates: certificatesOf(certificates) }),
    ...(outOfDate.length > 0 && { outOfDate }),
    ...(unseen.length > 0 && { unseen: unseen.slice(0, MAX_LISTED) }),
  };
}

function certificatesOf({
  ahead,
  ...judged
}: JudgedCertificates<LiveCertificates>): NonNullable<PolicyInForce['certificates']> {
  return { ...withCounts(judged), ...(ahead !== undefined && { ahead: withCounts(ahead) }) };
}

function withCounts<Round extends Judged<LiveCertificates>>({ found, ...judged }: Round) {
  const { listed, ...counts } = found;
  return { ...judged, ...counts, listed: listed.slice(0, MAX_LISTED).map(refusedRow) };
}

function refusedRow({ refusalReason: { reason, where, words }, decisionId, ...certificate }: RefusedCertificate) {
  return { ...certificate, decision: decisionId, reason, where: cut(where), words: cut(words, MAX_WORDS) };
}

/** Of one policy that differs. */
const MAX_FIELDS = 20;
/** Characters of a value of a field. */
const MAX_VALUE = 300;
/** Characters of what was found, what is allowed and what would pass. */
const MAX_WORDS = 1_000;

function driftOf({ drifts, ...watched }: WatchedPolicies): NonNullable<PolicyInForce['drift']> {
  return {
    ...watched,
    count: drifts.length,
    policies: drifts.slice(0, MAX_LISTED).map(({ title, drift, fields }) => ({
      title,
      drift,
      ...(fields !== undefined && { fields: fields.slice(0, MAX_FIELDS).map(shortened), fieldCount: fields.length }),
    })),
  };
}

function shortened({ field, before, after }: FieldDifference): { field: string; before: string; after: string } {
  return { field, before: cut(before), after: cut(after) };
}

function cut(value: string, most = MAX_VALUE): string {
  return value.length <= most ? value : `${value.slice(0, most)}…`;
}

function loadedOf(source: PolicySource): PolicySet | undefined {
  try {
    return source.current();
  } catch {
    // CAP-S02: the page says so with its status.
    return undefined;
  }
}
