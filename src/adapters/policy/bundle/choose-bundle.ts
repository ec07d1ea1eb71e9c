// Of all bundles that are offered, the one that shall be in force: the highest sequence that verifies and
// is accepted. One that has not expired goes before one that has.
import { compareText } from '../../../domain/text/compare-text.ts';
import type { Problem } from '../../../domain/text/position.ts';
import { acceptanceProblem, isExpired, type AcceptanceContext } from './accept-bundle.ts';
import type { VerifiedCandidate, UnverifiedBundle } from './verify-bundle.ts';

export interface PolicyBundleChoice {
  /** Absent when none may come in force. */
  readonly chosen?: VerifiedCandidate;
  /** What is wrong with those that were not chosen, unless they are merely older. */
  readonly problems: readonly Problem[];
}

/** Never throws. */
export function chooseBundle(
  openings: readonly (VerifiedCandidate | UnverifiedBundle)[],
  context: AcceptanceContext,
): PolicyBundleChoice {
  const unverified = openings.filter((opening) => 'problems' in opening);
  const verified = openings.filter((opening) => 'bundle' in opening);
  const judged = inOrder(verified, context.nowMs).map((bundle) => ({
    bundle,
    problem: twinProblem(bundle, verified, context) ?? acceptanceProblem(bundle, context),
  }));
  const chosen = judged.find(({ problem }) => problem === undefined)?.bundle;
  const least = chosen?.bundle.sequence ?? 0;
  const refused = judged.flatMap(({ bundle, problem }) =>
    problem === undefined || bundle.bundle.sequence < least ? [] : [problem],
  );
  return {
    ...(chosen !== undefined && { chosen }),
    problems: [...unverified.flatMap(({ problems }) => problems), ...refused],
  };
}

function inOrder(verified: readonly VerifiedCandidate[], nowMs: number): readonly VerifiedCandidate[] {
  const expired = ({ bundle }: VerifiedCandidate): number => (isExpired(bundle, nowMs) ? 1 : 0);
  return [...verified].sort(
    (a, b) => expired(a) - expired(b) || b.bundle.sequence - a.bundle.sequence || compareText(a.place, b.place),
  );
}

/** Two bundles that share a number: which of them the others of the fleet took is not ours to guess. */
function twinProblem(
  { bundle: { name, sequence }, digest, locate }: VerifiedCandidate,
  verified: readonly VerifiedCandidate[],
  { remembered }: AcceptanceContext,
): Problem | undefined {
  if (remembered?.digest === digest) return undefined;
  const twin = verified.find(
    (other) => other.digest !== digest && other.bundle.name === name && other.bundle.sequence === sequence,
  );
  if (twin === undefined) return undefined;
  const problem = `${sequence} is that of another bundle too, at ${twin.place}`;
  return { position: locate(['metadata', 'sequence']), path: 'metadata.sequence', problem };
}
