// Which issuers the policies that apply to a subject leave it: asked before the issuer is chosen, and so before the
// request is judged.
import { snapshotFor, type ClusterSnapshot } from '../../cluster/snapshot.ts';
import { ANY_NAME, meetNames, type NameLimit } from '../name-patterns.ts';
import type { PolicySet } from '../policy-set.ts';
import { findApplicable } from './applicable.ts';
import { SnapshotReader, type Asking } from './snapshot-reader.ts';
import type { PolicyStatement } from './statement.ts';

export interface AllowedIssuers {
  /** What is enforced: any other issuer is refused. */
  readonly enforced: NameLimit;
  /** `enforced`, and what the rules that give the identity say where they are only audited: they give it for no other issuer. */
  readonly preferred: NameLimit;
  /** Those of them that limit it, as in PolicyDecision.applied. */
  readonly limitedBy: readonly string[];
}

export const ANY_ISSUER: AllowedIssuers = { enforced: ANY_NAME, preferred: ANY_NAME, limitedBy: [] };

export function allowedIssuers(policies: PolicySet, asking: Asking, snapshot: ClusterSnapshot): AllowedIssuers {
  const reader = new SnapshotReader(snapshotFor(asking.subject, snapshot), asking);
  const limiting = findApplicable(policies, asking.subject, reader).statements.filter(
    ({ bounds }) => bounds.issuers.length > 0,
  );
  const enforced = limiting.filter(({ mode }) => mode === 'enforce');
  const preferred = limiting.filter(({ mode, grants }) => mode === 'enforce' || grants);
  return {
    enforced: limitOf(enforced),
    preferred: limitOf(preferred),
    limitedBy: preferred.map(({ title }) => title),
  };
}

function limitOf(statements: readonly PolicyStatement[]): NameLimit {
  return statements.reduce((limit, { bounds }) => meetNames(limit, bounds.issuers), ANY_NAME);
}
