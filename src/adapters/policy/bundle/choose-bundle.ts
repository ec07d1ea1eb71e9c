// Of all bundles that are offered, the one that shall be in force: the highest sequence that verifies and
// is admitted. One that has not expired goes before one that has.
import { compareText } from '../../../domain/text/compare-text.ts';
import type { Problem } from '../../../domain/text/position.ts';
import { admissionProblem, isExpired, type Standing } from './admit-bundle.ts';
import type { OpenedBundle, UnopenedBundle } from './open-bundle.ts';

export interface BundleChoice {
  /** Absent when none may come in force. */
  readonly chosen?: OpenedBundle;
  /** What is wrong with those that were not chosen, unless they are merely older. */
  readonly problems: readonly Problem[];
}

/** Never throws. */
export function chooseBundle(openings: readonly (OpenedBundle | UnopenedBundle)[], standing: Standing): BundleChoice {
  const unopened = openings.filter((opening) => 'problems' in opening);
  const opened = openings.filter((opening) => 'bundle' in opening);
  const judged = inOrder(opened, standing.nowMs).map((bundle) => ({
    bundle,
    problem: twinProblem(bundle, opened, standing) ?? admissionProblem(bundle, standing),
  }));
  const chosen = judged.find(({ problem }) => problem === undefined)?.bundle;
  const least = chosen?.bundle.sequence ?? 0;
  const refused = judged.flatMap(({ bundle, problem }) =>
    problem === undefined || bundle.bundle.sequence < least ? [] : [problem],
  );
  return {
    ...(chosen !== undefined && { chosen }),
    problems: [...unopened.flatMap(({ problems }) => problems), ...refused],
  };
}

function inOrder(opened: readonly OpenedBundle[], nowMs: number): readonly OpenedBundle[] {
  const expired = ({ bundle }: OpenedBundle): number => (isExpired(bundle, nowMs) ? 1 : 0);
  return [...opened].sort(
    (a, b) => expired(a) - expired(b) || b.bundle.sequence - a.bundle.sequence || compareText(a.place, b.place),
  );
}

/** Two bundles that share a number: which of them the others of the fleet took is not ours to guess. */
function twinProblem(
  { bundle: { name, sequence }, digest, locate }: OpenedBundle,
  opened: readonly OpenedBundle[],
  { remembered }: Standing,
): Problem | undefined {
  if (remembered?.digest === digest) return undefined;
  const twin = opened.find(
    (other) => other.digest !== digest && other.bundle.name === name && other.bundle.sequence === sequence,
  );
  if (twin === undefined) return undefined;
  const problem = `${sequence} is that of another bundle too, at ${twin.place}`;
  return { position: locate(['metadata', 'sequence']), path: 'metadata.sequence', problem };
}
